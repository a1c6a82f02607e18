"""The API's routes: no trailing slashes, no redirects (contract §1)."""

from django.urls import path

from shortlinks.api.account import AccountView
from shortlinks.api.contacts import Contacts, ContactView
from shortlinks.api.notes import ContactNote, ContactNotes, Notes
from shortlinks.api.short_links import ShortLinks
from shortlinks.api.webhooks import Webhooks

urlpatterns = [
    path("short_links", ShortLinks.as_view()),
    path("account", AccountView.as_view()),
    path("webhooks", Webhooks.as_view()),
    path("contacts", Contacts.as_view()),
    path("contacts/notes", Notes.as_view()),
    path("contacts/<int:entity_id>", ContactView.as_view()),
    path("contacts/<int:entity_id>/notes", ContactNotes.as_view()),
    path("contacts/<int:entity_id>/notes/<int:note_id>", ContactNote.as_view()),
]
