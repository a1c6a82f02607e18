"""The API's routes, without trailing slashes or redirects (docs/contract.md)."""

from django.urls import path

from shortlinks.api.account import AccountView
from shortlinks.api.chats import Chats, ChatView, ChatVisitor
from shortlinks.api.contacts import Contacts, ContactView
from shortlinks.api.documentation import OpenApi
from shortlinks.api.events import Events, EventView
from shortlinks.api.links import LinkView
from shortlinks.api.merge_suggestions import (
    MergeSuggestions,
    SuggestionAccept,
    SuggestionReject,
    SuggestionView,
)
from shortlinks.api.merges import ContactMerge, Merges, MergeUndo, MergeView
from shortlinks.api.notes import ContactNote, ContactNotes, Notes
from shortlinks.api.pixel_exchange import PixelExchange
from shortlinks.api.pixels import ContactPixel, ContactPixels
from shortlinks.api.short_links import ShortLinks
from shortlinks.api.users import Users, UserView
from shortlinks.api.visits import ContactVisits
from shortlinks.api.webhooks import Webhooks

urlpatterns = [
    path("openapi.json", OpenApi.as_view(), name="openapi"),
    path("short_links", ShortLinks.as_view()),
    path("short_links/<int:link_id>", LinkView.as_view()),
    path("account", AccountView.as_view()),
    path("users", Users.as_view()),
    path("users/<int:user_id>", UserView.as_view()),
    path("webhooks", Webhooks.as_view()),
    path("contacts", Contacts.as_view()),
    path("contacts/merge", ContactMerge.as_view()),
    path("contacts/notes", Notes.as_view()),
    path("contacts/notes/<int:note_id>", ContactNote.as_view()),
    path("contacts/<int:entity_id>", ContactView.as_view()),
    path("contacts/<int:entity_id>/notes", ContactNotes.as_view()),
    path("contacts/<int:entity_id>/notes/<int:note_id>", ContactNote.as_view()),
    path("contacts/<int:entity_id>/visits", ContactVisits.as_view()),
    path("contacts/<int:entity_id>/pixels", ContactPixels.as_view()),
    path("contacts/<int:entity_id>/pixels/<int:pixel_id>", ContactPixel.as_view()),
    path("chats", Chats.as_view()),
    path("chats/<int:chat_id>", ChatView.as_view()),
    path("chats/<int:chat_id>/visitor", ChatVisitor.as_view()),
    path("merges", Merges.as_view()),
    path("merges/<int:merge_id>", MergeView.as_view()),
    path("merges/<int:merge_id>/undo", MergeUndo.as_view()),
    path("merge_suggestions", MergeSuggestions.as_view()),
    path("merge_suggestions/<int:suggestion_id>", SuggestionView.as_view()),
    path("merge_suggestions/<int:suggestion_id>/accept", SuggestionAccept.as_view()),
    path("merge_suggestions/<int:suggestion_id>/reject", SuggestionReject.as_view()),
    path("pixels/exchange", PixelExchange.as_view()),
    path("events", Events.as_view()),
    path("events/<int:event_id>", EventView.as_view()),
]
