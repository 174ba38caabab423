"""A value of your own, kept by the same cache: anything that says when it ends."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from alicred import CachingProvider, FixedWindow, RefreshPolicy


@dataclass(frozen=True)
class DatabasePassword:
    """Frozen, so that threads may share it; compared by its fields; no text shows the password."""

    user: str
    password: str = field(repr=False)
    expires_at: datetime | None = None


class DatabasePasswordProvider:
    """A source: in a real program this asks the service that makes the passwords."""

    name = "database"

    def get(self) -> DatabasePassword:
        return DatabasePassword("reports", "not-a-real-one", datetime.now(timezone.utc) + timedelta(minutes=15))


provider = CachingProvider(DatabasePasswordProvider(), refresh=RefreshPolicy(ahead=FixedWindow(timedelta(minutes=3))))
value = provider.get()  # a DatabasePassword, for type checkers too
print(value.user, provider.state().phase, provider.state().window)
