"""What delivery reports say to people, in the languages that there are; the part for machines is mail/dsn.py's."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

#: Language (RFC 5646 §2.2.1) -> its own name, for whoever chooses one.
LANGUAGES: Final[Mapping[str, str]] = {"en": "English", "fr": "Français", "de": "Deutsch", "es": "Español"}
ENGLISH: Final = "en"


@dataclass(frozen=True, slots=True)
class Text:
    """The words of one kind of report."""

    subject: str
    opening: str
    advice: str


@dataclass(frozen=True, slots=True)
class Words:
    """A language."""

    kinds: Mapping[str, Text]
    #: Before a host's own words: "{host} said:".
    said: str
    silent: str
    #: For programs that show no parts.
    preamble: str


WORDS: Final[Mapping[str, Words]] = {
    "en": Words(
        {
            "failed": Text(
                "Your message could not be delivered",
                "Your message could not be delivered to the recipients below. No further attempt will be made.",
                "Please check the addresses. If they are right, ask the recipients by another way, "
                "or your administrator.",
            ),
            "delayed": Text(
                "Your message is delayed",
                "Your message could not be delivered yet to the recipients below. We keep trying.",
                "You need not do anything: you will be told if it cannot be delivered at all.",
            ),
            "delivered": Text(
                "Your message was delivered",
                "Your message lies in the mailboxes of the recipients below.",
                "That it was delivered does not say that it was read.",
            ),
            "expanded": Text(
                "Your message was sent on to the members of a list",
                "Your message was sent on to all that the addresses below stand for.",
                "No report follows of its delivery to each of them.",
            ),
            "relayed": Text(
                "Your message was handed on",
                "Your message was handed on to the hosts of the recipients below, "
                "which send no reports of delivery.",
                "That they took it does not say that it was read, or that it reached the mailbox.",
            ),
        },
        "{host} said: ",
        "no answer",
        "This is a delivery report (RFC 3464).",
    ),
    "fr": Words(
        {
            "failed": Text(
                "Votre message n'a pas pu être remis",
                "Votre message n'a pas pu être remis aux destinataires ci-dessous. Il n'y aura pas d'autre essai.",
                "Vérifiez les adresses. Si elles sont justes, joignez les destinataires par un autre moyen, "
                "ou demandez à votre administrateur.",
            ),
            "delayed": Text(
                "Votre message est retardé",
                "Votre message n'a pas encore pu être remis aux destinataires ci-dessous. "
                "Nous continuons d'essayer.",
                "Vous n'avez rien à faire : vous serez prévenu s'il ne peut pas être remis du tout.",
            ),
            "delivered": Text(
                "Votre message a été remis",
                "Votre message se trouve dans les boîtes aux lettres des destinataires ci-dessous.",
                "Cela ne dit pas qu'il a été lu.",
            ),
            "expanded": Text(
                "Votre message a été transmis aux membres d'une liste",
                "Votre message a été transmis à tous ceux que les adresses ci-dessous désignent.",
                "Aucun rapport ne suivra sur la remise à chacun d'eux.",
            ),
            "relayed": Text(
                "Votre message a été transmis",
                "Votre message a été transmis aux serveurs des destinataires ci-dessous, "
                "qui n'envoient pas d'accusés de remise.",
                "Cela ne dit pas qu'il a été lu, ni qu'il est arrivé dans la boîte aux lettres.",
            ),
        },
        "{host} a répondu : ",
        "pas de réponse",
        "This is a delivery report (RFC 3464).",
    ),
    "de": Words(
        {
            "failed": Text(
                "Ihre Nachricht konnte nicht zugestellt werden",
                "Ihre Nachricht konnte den folgenden Empfängern nicht zugestellt werden. "
                "Es wird nicht weiter versucht.",
                "Bitte prüfen Sie die Adressen. Stimmen sie, so erreichen Sie die Empfänger auf anderem Weg, "
                "oder fragen Sie Ihren Administrator.",
            ),
            "delayed": Text(
                "Ihre Nachricht verspätet sich",
                "Ihre Nachricht konnte den folgenden Empfängern noch nicht zugestellt werden. "
                "Wir versuchen es weiter.",
                "Sie brauchen nichts zu tun: Sie erfahren es, falls sie gar nicht zugestellt werden kann.",
            ),
            "delivered": Text(
                "Ihre Nachricht wurde zugestellt",
                "Ihre Nachricht liegt in den Postfächern der folgenden Empfänger.",
                "Ob sie gelesen wurde, sagt das nicht.",
            ),
            "expanded": Text(
                "Ihre Nachricht wurde an die Mitglieder einer Liste weitergeleitet",
                "Ihre Nachricht wurde an alle weitergeleitet, für die die folgenden Adressen stehen.",
                "Über die Zustellung an jeden von ihnen folgt kein Bericht.",
            ),
            "relayed": Text(
                "Ihre Nachricht wurde weitergegeben",
                "Ihre Nachricht wurde an die Server der folgenden Empfänger weitergegeben, "
                "die keine Zustellberichte senden.",
                "Ob sie gelesen wurde oder das Postfach erreicht hat, sagt das nicht.",
            ),
        },
        "{host} sagte: ",
        "keine Antwort",
        "This is a delivery report (RFC 3464).",
    ),
    "es": Words(
        {
            "failed": Text(
                "No se pudo entregar su mensaje",
                "No se pudo entregar su mensaje a los destinatarios siguientes. No se intentará más.",
                "Compruebe las direcciones. Si son correctas, avise a los destinatarios por otro medio, "
                "o pregunte a su administrador.",
            ),
            "delayed": Text(
                "Su mensaje se retrasa",
                "Todavía no se pudo entregar su mensaje a los destinatarios siguientes. Seguimos intentándolo.",
                "No tiene que hacer nada: se le avisará si no se puede entregar.",
            ),
            "delivered": Text(
                "Su mensaje fue entregado",
                "Su mensaje está en los buzones de los destinatarios siguientes.",
                "Eso no dice que se haya leído.",
            ),
            "expanded": Text(
                "Su mensaje fue enviado a los miembros de una lista",
                "Su mensaje fue enviado a todos a los que representan las direcciones siguientes.",
                "No habrá informe de la entrega a cada uno de ellos.",
            ),
            "relayed": Text(
                "Su mensaje fue transmitido",
                "Su mensaje fue transmitido a los servidores de los destinatarios siguientes, "
                "que no envían informes de entrega.",
                "Eso no dice que se haya leído, ni que haya llegado al buzón.",
            ),
        },
        "{host} dijo: ",
        "sin respuesta",
        "This is a delivery report (RFC 3464).",
    ),
}
