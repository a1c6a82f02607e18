"""Forms that were sent, so that none creates something twice (docs/adr/0049)."""

from django.db import models
from django.utils import timezone

from shortlinks.models.accounts import User


class FormSubmission(models.Model):
    """A form that created something, so that sending it again creates nothing.

    The response is encrypted with the form's token, which only the browser has.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, db_index=False)
    token_sha256 = models.BinaryField(max_length=32)
    response = models.BinaryField(default=bytes)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["user", "token_sha256"], name="form_submission_token"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user} {self.created_at:%Y-%m-%d %H:%M}"
