"""Reject passwords that programs guess first: leaked ones, words, names and dates."""

import re

from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from zxcvbn import zxcvbn

from shortlinks.models import User

MIN_SCORE = 3  # of 4: more than 10^8 guesses
MAX_LENGTH = 72  # longer ones take zxcvbn seconds


class GuessablePasswordValidator:
    def validate(self, password: str, user: User | None = None) -> None:
        """Raise ValidationError if the password takes few guesses."""
        known = [settings.BASE_URL, "shortlinks"]
        if user is not None:
            known += [user.email, user.name, str(user.account or "")]
        words = [word for text in known for word in re.split(r"[\W_]+", text)]
        if zxcvbn(password[:MAX_LENGTH], user_inputs=words)["score"] < MIN_SCORE:
            raise ValidationError(
                _("This password is easy to guess. Use several unrelated words."),
                code="password_guessable",
            )

    def get_help_text(self) -> str:
        return _("Your password can’t be one that is easy to guess.")
