"""Demo shop after some weeks: users, contacts, opens by people and programs, merges.

All its texts are in one language, for the screenshots.
"""

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Model
from django.utils import timezone

from shortlinks.domain import time_zones
from shortlinks.domain.auth import oauth, tokens
from shortlinks.domain.merging import suggestions
from shortlinks.domain.reports import rollups
from shortlinks.domain.visits import processing
from shortlinks.models import (
    Account,
    ApiToken,
    Contact,
    DailyVisits,
    DeliveryState,
    Group,
    Import,
    Merge,
    MergeSuggestion,
    Note,
    Pixel,
    PixelAttachment,
    SeparatePair,
    ShortLink,
    SuggestionState,
    User,
    Visit,
    Webhook,
    WebhookDelivery,
)
from tests import factories, importing
from tests.domain.merging import steps

DAYS = 90
MAX_SECONDS = 10.0
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko) Version/19.1 Mobile/15E148 Safari/604.1"
)
ANDROID = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Mobile Safari/537.36"
)
YANDEX = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/140.0.0.0 YaBrowser/25.10.0.0 Safari/537.36"
)
PREVIEW = "TelegramBot (like TwitterBot)"
PROGRAM = "python-requests/2.32.5"
PEOPLE = (IPHONE, ANDROID, factories.CHROME, YANDEX)


@dataclass(frozen=True)
class Words:
    shop: str
    site: str
    time_zone: str
    country: str
    currency: str
    people: tuple[str, ...]
    staff: tuple[str, str, str]
    groups: tuple[str, str]
    short_name: str
    visitor: str
    question: str
    crm: str
    program: str


ENGLISH = Words(
    shop="Corner Coffee",
    site="corner-coffee.example",
    time_zone="Europe/London",
    country="GB",
    currency="GBP",
    people=(
        *("Alice Morgan", "Ben Turner", "Chloe Adams", "Daniel Reed", "Emma Wright"),
        *("George Hall", "Hannah Price", "Isaac Cole", "Julia Bennett", "Kevin Ross"),
        *("Laura Hughes", "Marcus Ball", "Nina Fox", "Oscar Lane", "Paula Grant"),
        *("Ruby Shaw", "Simon Webb", "Tessa Young", "Victor Stone", "Wendy Marsh"),
    ),
    staff=("Mary Evans", "Owen Clarke", "Grace Cooper"),
    groups=("Retail", "Wholesale"),
    short_name="A. Morgan",
    visitor="A visitor of the site",
    question="Is the Ethiopia in stock?",
    crm="CRM",
    program="Newsletter",
)
RUSSIAN = Words(
    shop="Кофе на углу",
    site="kofe-na-uglu.example",
    time_zone="Europe/Moscow",
    country="RU",
    currency="RUB",
    people=(
        *("Анна Петрова", "Борис Тихонов", "Вера Орлова", "Глеб Соколов"),
        *("Дарья Миронова", "Егор Климов", "Жанна Котова", "Захар Белов"),
        *("Инна Крылова", "Кирилл Носов", "Лариса Ким", "Максим Жуков"),
        *("Нина Лапина", "Олег Панин", "Полина Шубина", "Роман Фомин"),
        *("Софья Гусева", "Тимур Ахметов", "Ульяна Чернова", "Фёдор Зимин"),
    ),
    staff=("Мария Лебедева", "Олег Сорокин", "Галина Ершова"),
    groups=("Розница", "Опт"),
    short_name="А. Петрова",
    visitor="Посетитель сайта",
    question="Эфиопия есть в наличии?",
    crm="CRM",
    program="Рассылка",
)
WORDS = {"en": ENGLISH, "ru": RUSSIAN}
PAGES = ("sale", "beans/ethiopia", "beans/colombia", "subscription", "gift-card")


@dataclass(frozen=True)
class Shop:
    account: Account
    administrator: User
    manager: User
    client: Contact
    rows: tuple[Model, ...]


def furnish(language: str) -> Shop:
    words = WORDS[language]
    account = factories.account(
        name=words.shop,
        subdomain=words.site.partition(".")[0],
        language=language,
        time_zone=words.time_zone,
        country=words.country,
        currency=words.currency,
    )
    groups = [factories.group(account, name=name) for name in words.groups]
    staff = _staff(account, words, language, groups)
    administrator, manager = staff[0], staff[1]
    webhook, _ = factories.webhook(
        account, f"https://crm.{words.site}/hooks/opens", by=administrator
    )
    clients = _clients(account, words, staff, groups)
    _open(clients, words)
    merged = _merge(clients, administrator, words)
    _deliver()
    _backdate(account)
    rows: list[Any] = [account, groups[0], manager, clients[0], webhook]
    rows += [*merged, *_connect(administrator, words), *_first_of_each()]
    rows.append(_import(administrator, words))
    return Shop(account, administrator, manager, clients[0], tuple(rows))


def _staff(
    account: Account, words: Words, language: str, groups: Sequence[Group]
) -> list[User]:
    letters = {"contacts_view": "M", "contacts_edit": "M"}
    of_group = {"contacts_view": "G", "contacts_edit": "G"}
    boss, seller, other = words.staff
    shared: dict[str, Any] = {"language": language, "group": groups[0]}
    at = words.site
    return [
        factories.admin(account, name=boss, email=f"boss@{at}", **shared),
        factories.user(account, name=seller, email=f"sales@{at}", **shared, **letters),
        factories.user(account, name=other, email=f"office@{at}", **shared, **of_group),
    ]


def _clients(
    account: Account, words: Words, staff: Sequence[User], groups: Sequence[Group]
) -> list[Contact]:
    """Return the clients; the first one's page is in the screenshots."""
    clients = [
        factories.contact(
            account,
            entity_id=48_210 + 7 * number,
            name=name,
            responsible_user=staff[2 if number % 3 == 2 else 1],
            group=groups[number % 2],
        )
        for number, name in enumerate(words.people)
    ]
    everybody = factories.links(clients, f"https://{words.site}/sale")
    some = [
        link
        for number, page in enumerate(PAGES[1:], start=1)
        for link in factories.links(
            clients[: 12 - 2 * number], f"https://{words.site}/{page}"
        )
    ]
    _count_past_days([*everybody, *some])
    return clients


def _count_past_days(links: Sequence[ShortLink]) -> None:
    """Count past opens, with a mailing each Tuesday and quiet weekends."""
    dice = random.Random(8)
    rows = []
    for ago in range(1, DAYS):
        day = timezone.localdate() - timedelta(days=ago)
        people = {1: 26, 2: 18, 5: 7, 6: 5}.get(day.weekday(), 12)
        for verdict, most in (("person", people), ("preview", 6), ("bot", 3)):
            chosen = dice.sample(range(len(links)), dice.randint(most // 2, most))
            rows += [
                DailyVisits(link=links[one], day=day, verdict=verdict, visits=1)
                for one in chosen
            ]
    DailyVisits.objects.bulk_create(rows)
    rollups.update(time.monotonic() + MAX_SECONDS)


def _open(clients: Sequence[Contact], words: Words) -> None:
    """Create today's opens and the timeline of the first client."""
    now = timezone.now()
    for number, client in enumerate(clients[:9]):
        page = PAGES[number % 2]
        at = _today(now - timedelta(minutes=4 + 17 * number), words)
        agent = PEOPLE[number % len(PEOPLE)]
        _visit(client, page, words, at, user_agent=agent)
    main = clients[0]
    for days, page in ((1, "sale"), (3, "beans/ethiopia"), (8, "subscription")):
        at = now - timedelta(days=days, hours=days % 3)
        _visit(main, page, words, at, user_agent=PEOPLE[days % 3])
        _visit(main, page, words, at - timedelta(seconds=9), user_agent=PREVIEW)
    for agent in (PREVIEW, PROGRAM):
        _visit(clients[5], "sale", words, now - timedelta(hours=1), user_agent=agent)
    _visit(clients[6], "sale", words, now - timedelta(hours=2), staff="office")
    processing.process_due()
    poison = {"dead_lettered_at": now, "attempts": 15, "due_at": None}
    error = "DataError('invalid byte sequence for encoding')"
    _visit(clients[7], "sale", words, now, last_error=error, **poison)


def _today(at: datetime, words: Words) -> datetime:
    """Move the time to today in the account's time zone, if it is earlier."""
    local = timezone.now().astimezone(time_zones.get(words.time_zone))
    return max(at, local.replace(hour=0, minute=0, second=1, microsecond=0))


def _visit(
    client: Contact, page: str, words: Words, at: datetime, **facts: Any
) -> Visit:
    link = client.shortlink_set.get(url=f"https://{words.site}/{page}")
    return factories.visit(link, occurred_at=at, **facts)


def _merge(clients: Sequence[Contact], by: User, words: Words) -> list[Model]:
    """Create a merge, an open suggestion and a rejected one."""
    url = f"https://{words.site}/gift-card"
    main = clients[0]
    account = main.account
    who = {"responsible_user": main.responsible_user, "group": main.group}
    double = factories.contact(account, name=words.short_name, **who)
    stranger = factories.contact(account, name=words.staff[2], **who)
    steps.open_link("phone", main, url, user_agent=IPHONE)
    chat, _ = steps.start_chat("phone", by, title=words.visitor)
    suggestions.accept(MergeSuggestion.objects.get(), by=by)
    for pair in ((main, double), (clients[2], stranger)):
        for each in pair:
            steps.open_link(f"laptop {pair[1].pk}", each, url, user_agent=YANDEX)
    waiting, rejected = MergeSuggestion.objects.filter(
        state=SuggestionState.OPEN
    ).order_by("pk")
    suggestions.reject(rejected, by=by)
    return [chat, waiting, Merge.objects.get(), SeparatePair.objects.get()]


def _deliver() -> None:
    """Mark all deliveries but the newest as delivered, and one as failed."""
    now = timezone.now()
    ids = list(WebhookDelivery.objects.order_by("-pk").values_list("pk", flat=True))
    told = {"due_at": None, "attempts": 1, "last_status": 200, "delivered_at": now}
    WebhookDelivery.objects.filter(pk__in=ids[1:]).update(
        state=DeliveryState.DELIVERED, **told
    )
    WebhookDelivery.objects.filter(pk=ids[2]).update(
        state=DeliveryState.FAILED, attempts=12, last_status=502, delivered_at=None
    )
    Webhook.objects.update(last_success_at=now)


def _backdate(account: Account) -> None:
    """Backdate the rows."""
    Note.objects.update(updated_at=F("created_at"))
    made = timezone.now() - timedelta(days=DAYS, hours=3)
    for number, client in enumerate(Contact.objects.order_by("pk")):
        at = made + timedelta(days=4 * number % DAYS, minutes=67 * number)
        Contact.objects.filter(pk=client.pk).update(created_at=at, updated_at=at)
        client.shortlink_set.update(created_at=at + timedelta(minutes=9))
    Account.objects.filter(pk=account.pk).update(created_at=made)


def _connect(by: User, words: Words) -> list[Model]:
    assert by.account is not None
    old = tokens.issue(by, name=f"{words.crm} 2025").row
    tokens.revoke([old])
    integration = oauth.register(
        user=by, name=words.program, redirect_uri=f"https://{words.site}/oauth"
    ).integration
    token = tokens.issue(by, name=words.crm).row
    ApiToken.objects.filter(pk=token.pk).update(last_used_at=timezone.now())
    site = factories.site(by.account, origin=f"https://{words.site}")
    domain = factories.short_domain(
        by.account, host=f"go.{words.site}", verified_at=None
    )
    return [integration, token, site, domain]


def _import(by: User, words: Words) -> Import:
    """Create last week's import, with a skipped row."""
    lines = [f"{70_000 + n},{name}" for n, name in enumerate(words.people[:3])]
    content = "\n".join(["id,name", *lines, f"B-4,{words.short_name}"]).encode()
    return importing.imported(by, content)


def _first_of_each() -> list[Model]:
    """Return rows that the worker and the API create."""
    aside = Visit.objects.dead_lettered().get()
    newest = (Note, PixelAttachment, Pixel, WebhookDelivery, ShortLink)
    return [aside, *(model.objects.order_by("-pk")[0] for model in newest)]
