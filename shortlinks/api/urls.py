"""The API's routes, without trailing slashes or redirects (docs/contract.md)."""

from django.urls import path, register_converter

from shortlinks.api.account import AccountView
from shortlinks.api.chats import Chats, ChatView, ChatVisitor
from shortlinks.api.consents import ContactConsents
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
from shortlinks.api.path_converters import IdConverter
from shortlinks.api.personal_data import ErasureView, PersonalData
from shortlinks.api.pixel_exchange import PixelExchange
from shortlinks.api.pixels import ContactPixel, ContactPixels
from shortlinks.api.short_links import ShortLinks
from shortlinks.api.users import Users, UserView
from shortlinks.api.visits import ContactVisits
from shortlinks.api.webhooks import Webhooks

register_converter(IdConverter, "id")

urlpatterns = [
    path("openapi.json", OpenApi.as_view(), name="openapi"),
    path("short_links", ShortLinks.as_view()),
    path("short_links/<id:link_id>", LinkView.as_view()),
    path("account", AccountView.as_view()),
    path("users", Users.as_view()),
    path("users/<id:user_id>", UserView.as_view()),
    path("webhooks", Webhooks.as_view()),
    path("contacts", Contacts.as_view()),
    path("contacts/merge", ContactMerge.as_view()),
    path("contacts/notes", Notes.as_view()),
    path("contacts/notes/<id:note_id>", ContactNote.as_view()),
    path("contacts/<id:entity_id>", ContactView.as_view()),
    path("contacts/<id:entity_id>/personal_data", PersonalData.as_view()),
    path("contacts/<id:entity_id>/consents", ContactConsents.as_view()),
    path("contacts/<id:entity_id>/notes", ContactNotes.as_view()),
    path("contacts/<id:entity_id>/notes/<id:note_id>", ContactNote.as_view()),
    path("contacts/<id:entity_id>/visits", ContactVisits.as_view()),
    path("contacts/<id:entity_id>/pixels", ContactPixels.as_view()),
    path("contacts/<id:entity_id>/pixels/<id:pixel_id>", ContactPixel.as_view()),
    path("chats", Chats.as_view()),
    path("chats/<id:chat_id>", ChatView.as_view()),
    path("chats/<id:chat_id>/visitor", ChatVisitor.as_view()),
    path("merges", Merges.as_view()),
    path("merges/<id:merge_id>", MergeView.as_view()),
    path("merges/<id:merge_id>/undo", MergeUndo.as_view()),
    path("merge_suggestions", MergeSuggestions.as_view()),
    path("merge_suggestions/<id:suggestion_id>", SuggestionView.as_view()),
    path("merge_suggestions/<id:suggestion_id>/accept", SuggestionAccept.as_view()),
    path("merge_suggestions/<id:suggestion_id>/reject", SuggestionReject.as_view()),
    path("pixels/exchange", PixelExchange.as_view()),
    path("erasures/<id:erasure_id>", ErasureView.as_view()),
    path("events", Events.as_view()),
    path("events/<id:event_id>", EventView.as_view()),
]
