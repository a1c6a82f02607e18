"use strict";

// A token that is entered stays in the page until it is closed.
SwaggerUIBundle({
  url: document.getElementById("api").dataset.document,
  domNode: document.getElementById("api"),
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
