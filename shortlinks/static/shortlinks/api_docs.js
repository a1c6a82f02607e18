"use strict";

// The token that a reader enters stays in the page: it is gone when the page is closed.
SwaggerUIBundle({
  url: document.getElementById("api").dataset.document,
  domNode: document.getElementById("api"),
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
