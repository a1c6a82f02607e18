"""Texts of the page `/privacy`, in English and Russian."""

from typing import NamedTuple


class State(NamedTuple):
    title: str
    text: str
    action: str


class Texts(NamedTuple):
    on: State
    off: State
    stored: str
    seen: str
    nothing: str
    only_cookie: str
    unavailable: str
    download: str
    erasure: str
    erase: str


TEXTS = {
    "en": Texts(
        on=State(
            "Recognition of your browser",
            "When you open a short link, your browser may get a cookie. It connects"
            " your later chats with the sender. You can switch this off for this"
            " browser.",
            "Do not recognize this browser",
        ),
        off=State(
            "Your browser is not recognized",
            "Short links open as usual, without a cookie that recognizes you.",
            "Recognize this browser again",
        ),
        stored="Stored about this browser",
        seen="Short links were opened in this browser from"
        " {first:%Y-%m-%d} to {last:%Y-%m-%d}. These are the latest:",
        nothing="Nothing that we could find: this browser has no cookie of ours.",
        only_cookie="This browser has our cookie, but no open is connected with it"
        " yet.",
        unavailable="This cannot be shown right now. Please try again later.",
        download="Download as a file",
        erasure="You can erase this connection. The senders keep the times of the"
        " opens, but can no longer connect them with this browser. If you only"
        " switch recognition off, the connection stays, and this page cannot find it"
        " any more.",
        erase="Erase, and do not recognize this browser",
    ),
    "ru": Texts(
        on=State(
            "Узнавание вашего браузера",
            "Когда вы открываете короткую ссылку, браузер может получить cookie, по"
            " которому ваши будущие чаты с отправителем объединяются. Для этого"
            " браузера узнавание можно выключить.",
            "Не узнавать этот браузер",
        ),
        off=State(
            "Ваш браузер не узнаётся",
            "Короткие ссылки открываются как обычно и не оставляют cookie, по"
            " которому вас можно узнать.",
            "Снова узнавать этот браузер",
        ),
        stored="Что хранится об этом браузере",
        seen="В этом браузере открывали короткие ссылки с {first:%d.%m.%Y} по"
        " {last:%d.%m.%Y}. Последние открытия:",
        nothing="Ничего не найдено: в этом браузере нет нашего cookie.",
        only_cookie="В этом браузере есть наш cookie, но с ним пока не связано ни"
        " одного открытия.",
        unavailable="Сейчас эти данные недоступны. Пожалуйста, попробуйте позже.",
        download="Скачать файлом",
        erasure="Эту связь можно удалить. У отправителей останется время открытий,"
        " но связать их с этим браузером будет уже нельзя. Если только выключить"
        " узнавание, связь останется, и на этой странице её будет не найти.",
        erase="Удалить и больше не узнавать этот браузер",
    ),
}
