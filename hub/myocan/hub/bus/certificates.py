"""What a house needs to encrypt: an authority of its own, and the certificate of its broker.

The one idea to know: boards know the authority, which lasts twenty years, and nothing else. So the
broker's certificate may be renewed, and name other addresses, and no board has to be flashed for
it. But a board has no clock before it has spoken to the hub, and takes the month in which the
authority begins for the present (`myocan.edge.tls`); therefore each certificate of the broker
begins when the authority does.

    authority.pem   the authority's key and certificate: who has them can be this house's broker
    ca.pem          its certificate alone, for whoever is to trust the broker
    broker.pem      the broker's key and certificate

All of them are readable by their user alone, and none may be lost: boards that know an authority
of which nobody has the key can only be flashed again, over their cables.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

from myocan.hub.bus.child import BrokerError, write_private

if TYPE_CHECKING:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

    _Pair = tuple[EllipticCurvePrivateKey, x509.Certificate]

__all__ = ["Certificates", "host_names"]

AUTHORITY_YEARS = 20
BROKER_DAYS = 2 * 365
RENEW_DAYS = 90
"""How long before its end the broker's certificate is renewed: a hub may be switched off for a
while."""
WARN_DAYS = 365
"""How long before the authority's end to say so: then there are boards to be flashed."""

_EARLIEST = datetime(2026, 1, 1, tzinfo=UTC)
"""No authority begins before this was written, whatever a clock says that nobody has set."""

_log = logging.getLogger(__name__)


class Certificates:
    """The certificates of one house.

    directory: where they are kept, private to the hub's user; made when it is needed. now: the wall
    clock, seconds since 1970 UTC.
    """

    def __init__(self, directory: Path, now: Callable[[], float] = time.time) -> None:
        self.directory = directory
        self._now = now
        self._warned = False

    @property
    def ca(self) -> Path:
        """The certificate of the authority, for whoever is to trust the broker."""
        return self.directory / "ca.pem"

    @property
    def broker(self) -> Path:
        """The broker's certificate, and its key in the same file: so both change at once."""
        return self.directory / "broker.pem"

    def renew(self, names: Sequence[str]) -> bool:
        """Make what is missing, and the broker's certificate anew if it ends soon or does not name
        it as it is called now; return whether that changed.

        names: under which it is reached, names and IP addresses. Raises BrokerError if the package
        that makes certificates is missing, or a file holds something else.
        """
        now = max(datetime.fromtimestamp(self._now(), UTC), _EARLIEST)
        try:
            authority = self._authority(now)
            end = min(now + timedelta(days=BROKER_DAYS), authority[1].not_valid_after_utc)
            if not self._is_due(authority[1], names, now, end):
                return False
            key, certificate = _broker_certificate(authority, names, end)
        except ImportError:
            raise BrokerError(
                "[broker] tls = true takes a package that makes certificates: "
                "pip install 'myocan[tls]'"
            ) from None
        except OSError as error:
            raise BrokerError(
                f"the house's certificates in {self.directory} cannot be kept: {error.strerror}"
            ) from None
        write_private(self.broker, _pem(key) + _pem(certificate), lasting=True)
        return True

    def _authority(self, now: datetime) -> _Pair:
        """Return the authority, a new one if there is none yet."""
        path = self.directory / "authority.pem"
        try:
            found = _pair(path)
        except FileNotFoundError:
            if self.ca.exists() or self.broker.exists():
                raise BrokerError(
                    f"{path}, the house's authority, is gone: restore it from a backup. If there "
                    f"is none, remove {path.parent}, and flash all boards again over their cables"
                ) from None
            key, certificate = found = _new_authority(now)
            write_private(path, _pem(key) + _pem(certificate), lasting=True)
        text = _pem(found[1])
        if not self.ca.exists() or self.ca.read_text() != text:
            write_private(self.ca, text, lasting=True)
        end = found[1].not_valid_after_utc
        if not self._warned and end - now < timedelta(days=WARN_DAYS):
            self._warned = True
            _log.warning(
                "the house's authority ends on %s: until then stop the hub, remove %s, start it "
                "and flash all boards with TLS again",
                f"{end:%Y-%m-%d}",
                self.directory,
            )
        return found

    def _is_due(
        self, authority: x509.Certificate, names: Sequence[str], now: datetime, end: datetime
    ) -> bool:
        """Whether the broker needs a certificate, which would last until `end`."""
        from cryptography.exceptions import InvalidSignature

        try:
            _, found = _pair(self.broker)
            found.verify_directly_issued_by(authority)
        except (FileNotFoundError, BrokerError, ValueError, TypeError, InvalidSignature):
            return True
        last = found.not_valid_after_utc
        ends_soon = last - now < timedelta(days=RENEW_DAYS) and last < end
        return ends_soon or not set(names) <= _names_in(found)


def host_names(*told: str) -> list[str]:
    """Return under which names and addresses this machine's programs and boards look for it.

    told: more of them, such as the address that boards are given.
    """
    own = socket.gethostname().lower()
    names = {*told, own, own.partition(".")[0] + ".local", "localhost", "127.0.0.1", "::1"}
    return sorted(name for name in names if name.isascii() and name.strip("."))


def _new_authority(now: datetime) -> _Pair:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    # a name of its own, or a broker of another house would look like one with a wrong signature
    name = _called(f"myocan {os.urandom(4).hex()}")
    begin = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    made = _builder(name, name, key, begin, begin.replace(year=begin.year + AUTHORITY_YEARS))
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    made = made.add_extension(_usage(key_cert_sign=True), critical=True)
    made = made.add_extension(identifier, critical=False)
    return key, _signed(made, key)


def _broker_certificate(authority: _Pair, names: Sequence[str], end: datetime) -> _Pair:
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    signer, ca = authority
    key = ec.generate_private_key(ec.SECP256R1())
    made = _builder(_called("broker"), ca.subject, key, ca.not_valid_before_utc, end)
    made = made.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    made = made.add_extension(_usage(digital_signature=True), critical=True)
    made = made.add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False
    )
    # An address stands there as a name, too: Mbed TLS before 3.5, which older MicroPython has,
    # compares the host, whatever it is, with names alone (its issue 5082).
    found: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    for name in names:
        try:
            found.append(x509.IPAddress(ip_address(name)))
        except ValueError:
            continue
    made = made.add_extension(x509.SubjectAlternativeName(found), critical=False)
    known = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    made = made.add_extension(known, critical=False)
    own = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return key, _signed(made.add_extension(own, critical=False), signer)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: EllipticCurvePrivateKey,
    begin: datetime,
    end: datetime,
) -> x509.CertificateBuilder:
    from cryptography import x509

    return x509.CertificateBuilder(
        issuer_name=issuer,
        subject_name=subject,
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=begin,
        not_valid_after=end,
    )


def _signed(made: x509.CertificateBuilder, key: EllipticCurvePrivateKey) -> x509.Certificate:
    from cryptography.hazmat.primitives.hashes import SHA256

    return made.sign(key, SHA256())


def _called(name: str) -> x509.Name:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, digital_signature: bool = False, key_cert_sign: bool = False) -> x509.KeyUsage:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=digital_signature,
        key_cert_sign=key_cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def _names_in(certificate: x509.Certificate) -> set[str]:
    from cryptography import x509

    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return set(found.value.get_values_for_type(x509.DNSName))


def _pem(what: EllipticCurvePrivateKey | x509.Certificate) -> str:
    from cryptography import x509
    from cryptography.hazmat.primitives import serialization

    if isinstance(what, x509.Certificate):
        return what.public_bytes(serialization.Encoding.PEM).decode()
    return what.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _pair(path: Path) -> _Pair:
    """Return the key and the certificate in a file. Raises BrokerError if they are not there."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    text = path.read_bytes()
    try:
        key = load_pem_private_key(text, None)
        certificate = x509.load_pem_x509_certificate(text)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError
        if key.public_key() != certificate.public_key():
            raise ValueError
    except (ValueError, TypeError):
        raise BrokerError(
            f"{path} does not hold a key and its certificate: restore it from a backup"
        ) from None
    return key, certificate
