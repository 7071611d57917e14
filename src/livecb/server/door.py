"""How a server is reached: where it listens, by which names, from which pages, and how that is kept safe.

The law: what other machines can reach is encrypted, or somebody has said in so many words that it need not
be.
This module runs in trainings: it imports neither Starlette nor uvicorn.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
import socket
from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from livecb.errors import ServerError

if TYPE_CHECKING:
    import ssl

__all__ = ["LOOPBACK", "WILDCARD", "Door", "from_environment", "is_loopback", "parse_origin", "parse_prefix"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
WILDCARD = ("", "0.0.0.0", "::")

_PROXIES = ("127.0.0.1", "::1")
_OURS = ("api", "r", "assets", "metrics")
_PREFIX = re.compile(r"(/[A-Za-z0-9._~-]+)+")
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://([^/?#@*\\\s]+)/?", re.IGNORECASE)
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
_PASSWORD_BYTES = 1024


class Door(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a server is reached.

    Attributes:
        host: The address to bind.
        allowed_hosts: Further names it goes by; `*` for any.
        allowed_origins: Pages of other origins that may ask, such as `http://localhost:5173`.
        certfile: The certificate, in PEM, with those between it and its root; None to serve in the clear.
        keyfile: The certificate's key, where that does not stand in `certfile`.
        key_password_file: The file with the key's password, which may stand in
            `LIVECB_SSL_KEYFILE_PASSWORD`, too.
        path_prefix: The path before every address, such as `/livecb`.
        trusted_proxies: Addresses and networks of proxies whose `X-Forwarded-*` headers are believed.
        insecure: Whether other machines may reach it in the clear.
    """

    host: str = "127.0.0.1"
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    certfile: str | None = None
    keyfile: str | None = None
    key_password_file: str | None = None
    path_prefix: str = ""
    trusted_proxies: tuple[str, ...] = _PROXIES
    insecure: bool = False

    @classmethod
    def of(
        cls,
        host: str = "127.0.0.1",
        *,
        allowed_hosts: Iterable[str] = (),
        allowed_origins: Iterable[str] = (),
        ssl_certfile: str | os.PathLike[str] | None = None,
        ssl_keyfile: str | os.PathLike[str] | None = None,
        ssl_keyfile_password_file: str | os.PathLike[str] | None = None,
        path_prefix: str | None = None,
        trusted_proxies: Iterable[str] = (),
        insecure: bool | None = None,
    ) -> Door:
        """Return the door that is asked for; what is left out is taken from the environment.

        Raises:
            ServerError: A prefix, an origin or a proxy's address is none.
        """
        prefix = os.environ.get("LIVECB_PATH_PREFIX", "") if path_prefix is None else path_prefix
        origins = [*allowed_origins] or from_environment("LIVECB_ALLOWED_ORIGINS")
        proxies = [*trusted_proxies] or from_environment("LIVECB_TRUSTED_PROXIES")
        said = os.environ.get("LIVECB_INSECURE", "").lower() in ("1", "true", "yes")
        return cls(
            host=host,
            allowed_hosts=tuple([*allowed_hosts] or from_environment("LIVECB_ALLOWED_HOSTS")),
            allowed_origins=tuple(parse_origin(origin) for origin in origins),
            certfile=_path(ssl_certfile, "LIVECB_SSL_CERTFILE"),
            keyfile=_path(ssl_keyfile, "LIVECB_SSL_KEYFILE"),
            key_password_file=_path(ssl_keyfile_password_file, "LIVECB_SSL_KEYFILE_PASSWORD_FILE"),
            path_prefix=parse_prefix(prefix),
            trusted_proxies=tuple(_network(proxy) for proxy in proxies) or _PROXIES,
            insecure=said if insecure is None else insecure,
        )

    @property
    def scheme(self) -> str:
        """`http`, or `https` where there is a certificate."""
        return "http" if self.certfile is None else "https"

    @property
    def shown(self) -> str:
        """The host in the address that people are shown."""
        if self.host not in WILDCARD:
            return self.host
        named = next((name for name in self.allowed_hosts if name != "*"), None)
        # A certificate is for a name.
        return named if named is not None and self.certfile is not None else "127.0.0.1"

    @property
    def key(self) -> str:
        """What tells it from a door that is another but for its host; empty for the plain one."""
        others = msgspec.structs.replace(self, host="127.0.0.1")
        text = msgspec.json.encode(others)
        return "" if text == b"{}" else hashlib.sha256(text).hexdigest()[:16]

    def check(self, port: int) -> None:
        """Refuse what would show a token to the network, or cannot be served.

        Args:
            port: Where it is about to listen: the cure names it.

        Raises:
            ServerError: Other machines could reach it in the clear; or the certificate cannot be used.
        """
        if self.keyfile is not None and self.certfile is None:
            raise ServerError(f"there is a key, {self.keyfile}, and no certificate: add --ssl-certfile")
        if self.certfile is not None:
            self.context()
        elif not self.insecure and not is_loopback(self.host):
            here = socket.gethostname()
            raise ServerError(
                f"{self.host or 'every address'} can be reached from other machines, and without TLS the "
                "token and all that is recorded go over the network in the clear. Leave out the host and "
                f"come by SSH: `ssh -L {port}:127.0.0.1:{port} {here}`; or give a certificate: "
                "--ssl-certfile CERT.pem --ssl-keyfile KEY.pem (LIVECB_SSL_CERTFILE, "
                "LIVECB_SSL_KEYFILE); or, in a network "
                "that you trust, say --insecure (LIVECB_INSECURE=1)"
            )

    def context(self) -> ssl.SSLContext:
        """Return the certificate and its key, ready to serve.

        Raises:
            ServerError: They cannot be read, do not match, or the password is missing or wrong.
        """
        import ssl

        assert self.certfile is not None
        for path, what in ((self.certfile, "certificate"), (self.keyfile, "key")):
            if path is not None:
                _readable(path, what)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        asked: list[str] = []

        def password() -> str:
            asked.append(self.password())
            return asked[-1]

        key = self.keyfile or self.certfile
        try:
            context.load_cert_chain(self.certfile, self.keyfile, password)
        except (OSError, ValueError) as error:  # an SSLError is an OSError
            why = getattr(error, "reason", None) or str(error)
            if asked and not asked[-1]:
                cure = "give its password: --ssl-keyfile-password-file FILE, or LIVECB_SSL_KEYFILE_PASSWORD"
                raise ServerError(f"the key {key} is encrypted; {cure}") from error
            if asked:
                raise ServerError(f"the password does not open the key {key}: {why}") from error
            if why == "KEY_VALUES_MISMATCH":
                raise ServerError(f"the key {key} is not that of the certificate {self.certfile}") from error
            raise ServerError(
                f"cannot use the certificate {self.certfile} with the key {key}: {why}; expected both in PEM"
            ) from error
        return context

    def password(self) -> str:
        """Return the key's password, empty if there is none.

        Raises:
            ServerError: Its file cannot be read.
        """
        if self.key_password_file is None:
            return os.environ.get("LIVECB_SSL_KEYFILE_PASSWORD", "")
        _readable(self.key_password_file, "password file")
        with open(self.key_password_file, encoding="utf-8", errors="surrogateescape") as file:
            return file.read(_PASSWORD_BYTES).rstrip("\r\n")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address that is bound."""
    if host in WILDCARD:
        return False
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        pass
    try:
        found = {each[4][0] for each in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    addresses = [ipaddress.ip_address(str(each).partition("%")[0]) for each in found]
    return bool(addresses) and all(address.is_loopback for address in addresses)


def from_environment(variable: str) -> list[str]:
    """Return the words of a comma-separated list in the environment."""
    return [word.strip() for word in os.environ.get(variable, "").split(",") if word.strip()]


def parse_prefix(text: str) -> str:
    """Return a path prefix as it stands before an address: `/livecb`; empty for none.

    Raises:
        ServerError: It is none, or one that addresses of the app begin with.
    """
    if not (path := text.strip().strip("/")):
        return ""
    first = path.partition("/")[0]
    if not _PREFIX.fullmatch(f"/{path}") or any(part in (".", "..") for part in path.split("/")):
        raise ServerError(f"expected a path prefix such as /livecb, got {text!r}")
    if first in _OURS:
        raise ServerError(f"{text!r} cannot be a path prefix: livecb's own addresses begin with /{first}")
    return f"/{path}"


def parse_origin(text: str) -> str:
    """Return an origin as browsers write it: `scheme://host`, and the port if it is not the usual one.

    Raises:
        ServerError: It is none. `*` is none either: any page could then use what a visitor may see.
    """
    found = _ORIGIN.fullmatch(text.strip())
    if found is None:
        raise ServerError(
            f"expected an allowed origin such as http://localhost:5173, got {text!r}; name each by itself"
        )
    scheme, host = found[1].lower(), found[2].lower()
    return f"{scheme}://{host.removesuffix(_DEFAULT_PORTS.get(scheme, ' '))}"


def _network(text: str) -> str:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ServerError(
            f"expected a proxy's address or network, such as 10.0.0.7 or 10.0.0.0/24, got {text!r}"
        ) from None
    return text


def _path(given: str | os.PathLike[str] | None, variable: str) -> str | None:
    named = os.environ.get(variable) if given is None else os.fspath(given)
    # A server's process stands in another folder.
    return os.path.abspath(os.path.expanduser(named)) if named else None


def _readable(path: str, what: str) -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        raise ServerError(f"cannot read the {what} {path}: {error.strerror}") from error
