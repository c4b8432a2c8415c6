"""Words of customer service that mean the same, in English, German and Spanish.

Each line is one meaning, and an indented one goes on with it. Words stand without accents, two
words that belong together with a dot. What stands beside another word here counts as that word,
whichever language it is in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import OSA

_MEANINGS = """
order purchase bestell bestellung auftrag kauf einkauf pedido compra bought ordered gekauft
    compre pedi
parcel package packet delivery deliver shipment shipping ship postage paket sendung lieferung
    liefer versand envio paquete entrega entreg portes enviar porto
arrive arrived come came angekommen ankunft ankommt kommt llego llega llegado llegar llegaron
track tracking follow verfolgen seguir rastrear unterwegs
cost price charge fee teuer kostet kosten preis gebuhr cuesta costo precio gastos cobran much
free kostenlos gratis umsonst
return send.back sendback bring.back zuruckschicken zuruckgeben retoure rucksendung umtauschen
    umtausch devolver devolucion devuelvo devolverlo regresar
refund money.back reimburse reimbursement erstattung ruckerstattung erstattet erstatten
    geld.zuruck reembolso reembolsado reembolsar dinero
cancel stornieren storno storniere abbrechen cancelar anular cancelo cancelenlo anulo
address anschrift adresse lieferadresse strasse hausnummer street direccion calle domicilio
    moved umgezogen mudado
password passwort kennwort contrasena clave
login log.in sign.in anmelden einloggen iniciar.sesion sesion entrar locked gesperrt
account profile konto kundenkonto benutzerkonto profil cuenta perfil
delete erase remove close deactivate loschen losche entfernen schliessen deaktivieren eliminar
    borrar borren cerrar baja desactivar
data daten datos personal
invoice bill receipt rechnung beleg quittung kassenbon factura recibo ticket
copy duplicate kopie copia
wrong mistake error incorrect fehler falsch stimmt.nicht equivocado equivocada mal incorrecto
twice two.times double doppelt zweimal dos.veces doble duplicado
charged debited abgebucht abbuchung berechnet cobraron cobrado cargo cobro payment.statement
    overcharged
recognise recognize unknown kenne reconozco unbekannt
pay payment zahlung zahlen bezahlen zahlungsart zahlungsmethode pago pagar pague
card karte tarjeta kreditkarte credit
transfer uberweisung transferencia
instalment installment rate raten plazo plazos cuotas
gift geschenk regalo geschenkkarte gutscheinkarte giftcard
balance left guthaben saldo
discount promo promotion voucher rabatt rabattcode aktionscode gutscheincode coupon descuento
    promocional cupon
code codigo
warranty guarantee garantie gewahrleistung garantia
broken damaged defective cracked pieces kaputt beschadigt defekt zerbrochen roto rota danado
    danada defectuoso broke
missing incomplete fehlt fehlen gefehlt unvollstandig falta faltan faltaban
empty nothing leer vacia vacio nada
half halfte mitad
box karton caja
size fit fits grosse passt passen talla tallan grossentabelle small large klein gross pequeno
    grande
chart table guide tabelle tabla guia
stock available verfugbar lager lieferbar vorratig existencias disponible sold.out ausverkauft
    agotado
newsletter mailing boletin rundbrief verteiler lista.correo werbung publicidad advertising mails
    emails correos e.mails
unsubscribe abmelden abbestellen darme.baja
subscribe anmeldung suscribirme suscribo abonnieren
point punkt punkte puntos bonuspunkte treuepunkte loyalty treue fidelidad bonus
redeem einlosen canjear canjeo expire verfallen caducan
complaint complain beschwerde beschweren reclamacion queja reclamar
lawyer solicitor attorney legal sue court anwalt rechtlich verklagen klage gericht abogado
    demandar legales juzgado
hacked hack gehackt hackeado hackearon somebody.else unauthorised permission
stolen theft gestohlen geklaut robado robada robaron
somebody someone jemand alguien
job work vacancy vacancies hiring apply application position internship career stelle stellen
    bewerbung bewerben arbeiten mitarbeiter.gesucht praktikum praktika trabajo trabajar vacante
    vacantes empleo practicas curriculum cv resume lebenslauf
shop store branch laden filiale geschaft tienda sucursal local shops
near nearest close.to cerca cercana nachste nahe nearby
where wo donde
open opening offen geoffnet offnungszeiten offnet abren abierto abiertos abrir apertura horario
    hours closing schliesst cierran
today heute hoy saturday sunday samstag sonntag sabado domingo feiertag holiday
late delayed verspatet spat tarde retraso
forgot forgotten vergessen olvide olvidado olvidar
change update correct andern geandert aktualisieren cambiar cambio actualizar
new neu neue neues nueva nuevo
download herunterladen runterladen descargar descargo
"""
_SUFFIXES = re.compile(
    r"(?:ungen|ieren|iert|ing|ed|es|en|er|em|et|st|s|e|n|t|a|o|as|os|ar|er|ir|ado|ada|aron|aste)$"
)
_MIN_STEM, _MIN_PART = 4, 5
MIN_LIKENESS = 0.75


def folded(text: str) -> str:
    """Return a normalised text without accents."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    return "".join(char for char in plain if not unicodedata.combining(char))


def _stem(word: str) -> str:
    cut = _SUFFIXES.sub("", word)
    return cut if len(cut) >= _MIN_STEM else word


def _read() -> tuple[dict[str, str], dict[str, str], list[tuple[str, str]]]:
    """Return the meaning of each word, of each pair of words, and of what compounds hold."""
    words: dict[str, str] = {}
    pairs: dict[str, str] = {}
    parts: list[tuple[str, str]] = []
    for line in _MEANINGS.strip().replace("\n ", " ").splitlines():
        names = line.split()
        meaning = f"={names[0]}"
        for name in names:
            if "." in name:
                pairs[name.replace(".", " ")] = meaning
            else:
                words.setdefault(_stem(name), meaning)
                words.setdefault(name, meaning)
                if len(name) >= _MIN_PART:
                    parts.append((name, meaning))
    return words, pairs, parts


WORDS, _PAIRS, _PARTS = _read()


@lru_cache(maxsize=20_000)
def meaning_of(word: str) -> tuple[str, ...]:
    """Return what a word means: a meaning of the list, or its own stem; a compound has several."""
    plain = folded(word)
    stem = _stem(plain)
    known = WORDS.get(plain) or WORDS.get(stem)
    if known:
        return (known,)
    if len(plain) >= 2 * _MIN_PART:
        inside = {meaning for part, meaning in _PARTS if part in plain}
        if inside:
            return tuple(sorted(inside))
    return (stem,)


def meanings(words: Iterable[str]) -> list[str]:
    """Return what the words of a message mean, each once."""
    given = list(words)
    text = f" {folded(' '.join(given))} "
    found: Iterator[str] = (one for word in given for one in meaning_of(word))
    paired = (meaning for pair, meaning in _PAIRS.items() if f" {pair} " in text)
    return [one for one in dict.fromkeys([*found, *paired]) if one]


_LONG = sorted(word for word in WORDS if len(word) >= _MIN_PART)


@lru_cache(maxsize=20_000)
def meaning_near(word: str) -> tuple[str, float]:
    """Return what a misspelt word may mean, and how like it is to the right one."""
    found = process.extractOne(
        word, _LONG, scorer=OSA.normalized_similarity, score_cutoff=MIN_LIKENESS
    )
    return (WORDS[found[0]], found[1]) if found else ("", 0.0)
