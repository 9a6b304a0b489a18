"""What credits look like in each language: the patterns of `attribution`."""
# ruff: noqa: E501, RUF001  # a kind of credit a line, and words in every script: some look like Latin ones

from __future__ import annotations

import re
import string
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from dedup.boilerplate.agencies import CANONICAL, PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The confidence of each rule, strongest first.
CONFIDENCE: MappingProxyType[str, float] = MappingProxyType(
    {"dateline": 0.99, "byline": 0.97, "closing": 0.95, "contributed": 0.93, "photo": 0.85}
)

_END = "\0"  # stands in the words of a trie for the end of a word
WIDE = re.compile("[\u3040-\u9fff]")  # of scripts that write no spaces between words


class _Later:
    """A pattern that is compiled when it is first matched: all of them take a third of a second."""

    def __init__(self, pattern: str, flags: int) -> None:
        self.pattern, self._flags = pattern, flags

    def __getattr__(self, name: str) -> object:
        """Return a method of the pattern; from then on it is an attribute, and costs what the pattern's own does."""
        method = getattr(re.compile(self.pattern, self._flags), name)
        setattr(self, name, method)
        return method


def _later(pattern: str, flags: int = 0) -> re.Pattern[str]:
    return cast("re.Pattern[str]", _Later(pattern, flags))


def _trie(words: Iterable[str]) -> str:
    """Return a pattern for any of `words`, the longest first, that looks at each character once."""
    branches: dict[str, list[str]] = {}
    for word in words:
        branches.setdefault(word[:1], []).append(word[1:])
    ends = branches.pop("", None) is not None
    parts = [
        (r"(?!\w|-\w)" if letter == _END else re.escape(letter)) + _trie(rest)
        for letter, rest in sorted(branches.items(), reverse=True)  # the end of a word last
    ]
    joined = parts[0] if len(parts) == 1 and not ends else f"(?:{'|'.join(parts)})"
    return "" if not parts else f"{joined}?" if ends else joined


def _words(words: Iterable[str]) -> str:
    """Return a pattern for any of `words` as whole words, with a branch for capitals: most letters are none."""
    kinds: dict[str, set[str]] = {}
    for word in words:
        whole = word if WIDE.search(word) or not word[-1].isalnum() else f"{word}{_END}"
        kind = "(?=[A-Z])" if "A" <= word[0] <= "Z" else "(?=[a-z])" if word[0].isascii() else r"(?=[^\x00-\x7f])"
        kinds.setdefault(kind, set()).add(whole)
    return "|".join(f"{kind}{_trie(some)}" for kind, some in sorted(kinds.items(), reverse=True))


# Lower-case names but "dpa" are read in brackets alone: to search for them too would try at most letters.
NAME = _later(_words(s for s in CANONICAL if s == "dpa" or not s[0].islower() or not s.isascii()))
PLAIN_NAME = _later(_words(s for s in PLAIN if s == "dpa" or not s[0].islower() or not s.isascii()))

# Datelines.
_MONTH = (
    "Jan|Feb|Fev|Fév|Mar|Mär|Apr|Avr|Abr|May|Mai|Mag|Mei|Maj|Jun|Jui|Giu|Jul|Lug|Aug|Ago|Aoû|Sep|Set|Oct|Okt|Out|Ott|Nov|"
    "Dec|Déc|Dez|Dic|Ene|Gen"
)
_DASH = "[-–—―‒−ー_]"
BRACKET = _later(
    r"[(（【［\[]\s?(?P<body>[^()（）【】［］\[\]\n]{2,80})(?P<close>[)）】］\]])"
    rf"(?P<after>\s?[.:,]?\s?{_DASH}{{1,3}}|\s?[.:])?"
)
SLASHES = _later(r"(?P<place>[^/\n]{0,90})/\s?(?P<body>[^/\n]{2,40}?)(?:-US\w*| via [^/\n]{1,30})?/(?=[\s.:–—-]|\Z)")
SEPARATOR = _later(rf"{_DASH[:-1]}:：](?:(?<=\s.)|(?=[\s-])|(?<![-:_]))[-–—]?\s?(?:[Tt]he )?")
NAME_ENDS = _later(rf"\s*(?:\Z|[:：.،,(]|{_DASH}\s)")
CHINESE = _later(
    rf"(?P<agency>{_trie(s for s in PLAIN if WIDE.match(s))})(?:记者|記者)?[^\W\d_]{{0,14}}(?:\d{{1,2}}月)?\d{{1,2}}日(?:综合|綜合)?[电電讯訊]"
)
JAPANESE = _later(
    rf"[【［\[][^】］\]\n]{{0,30}}?(?P<agency>{_trie(s for s in CANONICAL if WIDE.match(s))})(?:[=＝][^】］\]\n]{{1,12}})?[】］\]]"
)
LAST_SENTENCE = _later(r".*(?:[^\W_A-ZА-ЯЁ][\"'”’»)）」]?[.!?…][\"'”’»)）」]?\s+|[。」])")
LOUD_END = _later(r"(?:[A-ZÀ-Þ][A-ZÀ-Þ.'’/-]+,?\s?){1,5}(?:[\w.]{1,9},? ){0,3}\Z")
DATED = _later(  # a place and a date
    r"(?!(?:[Oo]n|[Ii]n|[Aa]t|[Bb]y|[Ff]rom|[Ss]ince|[Uu]ntil|[Aa]fter|[Bb]efore|[Uu]pdated|[Pp]ublished|[Pp]osted)\b)"
    r"(?P<place>[^\d,:]{2,40}(?:,\s?[^\d,:]{2,30})?)[,:]\s?"
    rf"(?i:(?:{_MONTH})[a-zéûç]{{0,7}}\.? \d{{1,2}}|\d{{1,2}}\.? (?:de )?(?:{_MONTH})[a-zéûç]{{0,7}}\.?)(?:,? (?:de )?\d{{4}})?[\s,]*"
)
OPENS = _later(r"\s+[\"“«‘'(]?[^\Wa-zà-ÿ_]")  # prose that begins
PROSE = _later(r"[?!\"“”«»;]|\w{6}\.\s")  # stands in no place
LABEL = _later(
    r"\W*(?:photos?|image|picture|video|watch|fotos?|bild|crédit|credit|источник|источник фото|фото|صورة|图片?|図|写真|"
    r"sources?|quellen?|fuentes?|fonte|bron|źródło|джерело|kaynak|المصدر|来源|來源)\b",
    re.IGNORECASE,
)
PART = _later(r"\s*(?:[/,;+&|、，・=＝]|\b(?:and|und|et|y|e|i|и|та|ve|en)\b)\s*")
FILLER = _later(r"[a-zäöüß]{1,6}|[A-Z]{2,5}|[\d\s.:]{1,14}|[a-z]{2,5}\.?", re.ASCII)
PICTURE = _later("Photo|Images|Pictures")
LATIN = string.ascii_letters + " "

# Bylines, and the labels of sources.
_BY = "By|BY|Von|VON|Par|PAR|Por|POR|Di|DI|Da|De|Door|DOOR|Przez|Autor|Author|Text|Bearbeitet von|كتب|بقلم|文"
_SOURCES = (
    "Source|Sources|SOURCE|Quelle|Quellen|Fuente|Fuentes|Fonte|Fonti|Fontes|Bron|Bronnen|Źródło|Источник|Джерело|Kaynak|المصدر|"
    "文章来源|来源|來源|稿源|出典|ソース|提供|配信"
)
_EDITORS = "Redazione|Redação|Redacción|Redaktion|La rédaction avec|Agencias|Agências|Agences|Agenzie|وكالة|وكالات"
CREDIT_LINE = _later(
    rf"(?P<by>(?:{_BY})(?:\s*[:：／/]|\s)\s*)|(?P<source>(?:{_SOURCES})\s*[:：]\s*(?:[Tt]he )?)|(?P<editors>(?:{_EDITORS})[\s:]+)|[Tt]he "
)


def _staff(more: str) -> re.Pattern[str]:
    """Return a pattern for what may follow an agency in a byline: who writes for it, and when; `more` adds to it."""
    return _later(
        r"(?:[\s,|·•–—-]*(?:[Ss]taff|[Ww]riters?|[Cc]orrespondents?|[Rr]eporters?|[Nn]ews|[Ss]ervice|[Aa]gency|"
        r"[Ee]ditor|Sports|Medical|Business|Political|National|Science|Published|Updated|Posted|"
        rf"(?:(?:{_MONTH})[a-z]{{0,6}}\.?(?= \d)|(?<=\d )(?:{_MONTH})[a-z]{{0,6}}\.?)|(?:Mon|Tues?|Wed(?:nes)?|Thu(?:rs)?|Fri|Sat(?:ur)?|Sun)(?:day)?\b|"
        rf"(?<!\d)\d{{1,4}}(?!\d)|(?<![\d:.])[\d:.]{{3,8}}(?![\d:.])|[ap]\.?m\.?|GMT|ET|EDT|EST|UTC{more})[,.]?){{0,10}}\s*"
    )


# A name that people bear too is no agency before `Smith` or `Smith, Writer`.
STAFF = _staff("")
PLAIN_STAFF = _staff(r"|[A-Z][a-z]+ [Ww]riter|(?<=[,|·•–—-]\s)[A-Z][a-z]{2,8}\.?")
APART = _later(r"(?:[,，、/／|(（\[:：·•–—]|(?:\A|\s)-)\s*(?:[Tt]he )?\Z")  # stands between a writer and an agency
JOINED = _later(r"\s(?:and|und|et|y|e|en|of|for|with|mit|avec|con|com) (?:[Tt]he )?\Z")
JOINING = frozenset(
    "and und et y e de van der den von of for the al el la le da di du dos bin ibn i ve і и та en with".split()  # noqa: SIM905
)
LATIN_WORD = _later(r"[a-z]{3}")

# Signatures and names where a line ends.
LINE_ENDS = _later(r"\s?[.。]?[^\S\n]*(?:\n|\Z)")
DAY = _later(r"\d{1,2}\.\s?\d{1,2}\.\s?\d{2,4}")
DASHED_END = _later(rf"{_DASH}[-–—]?\s?(?:[Tt]he )?(?P<name>(?![\da-ce-z])\w[^\n]{{1,30}}?)\.?[^\S\n]*(?=\n|\Z)")
LAST_NAME = _later(r"[.!?…][\"”’»]?\s+(?:[Tt]he )?[\"«“{]?(?P<name>\w[^\n]{1,30}?)[\"»”}]?\.?\s*\Z")
CODES = _later(r"(?P<codes>[a-z]{2,4}(?:/[a-z]{2,4}){0,5})/?\s*\Z")
CODE_NAMES = {
    "dpa": "dpa",
    "afp": "AFP",
    "ap": "AP",
    "apa": "APA",
    "epd": "epd",
    "sid": "SID",
    "rtr": "Reuters",
    "kna": "KNA",
}

# Credits that begin with words of their own.
_CREDIT_KINDS = [
    "story",
    "article",
    "report",
    "piece",
    "post",
    "column",
    "essay",
    "content",
    "item",
    "dispatch",
    "analysis",
    "interview",
    "commentary",
]
_NAME = r"((?:the |The )?[A-ZÀ-ÞА-ЯЁ][\w.&'’+-]*(?: (?:(?:of|the|and|for|in|de|la|du|des|della|der|do|&) )?[A-ZÀ-ÞА-ЯЁ0-9][\w.&'’+-]*){0,4})"
_KIND = f"(?:{'|'.join(_CREDIT_KINDS)})"
PUBLISHED = _later(
    rf"(?:(?:A version of (?:this|the)|An?|This|The) {_KIND}(?: by [^\n.]{{3,40}})?"
    r"(?: (?:was|has been|had been|were))? (?:originally|first|initially|previously) (?:distributed|produced|published|appeared|reported|printed|posted|ran|aired)(?: \w+){0,3}? (?:by|on|at|in|from)"
    rf"|This {_KIND} (?:is|was|has been|comes|originated)"
    r"(?: distributed| produced| provided| published| republished| reprinted| syndicated| reproduced| supplied| shared| to you| courtesy)"
    r"(?: \w+){0,3}? (?:by|on|at|in|from)"
    r"|(?:Originally published|First published|Originally appeared|Distributed|Provided|Republished)(?: with permission)? (?:by|on|at|in|from)"
    rf")(?: the website of| the pages of| partner)? {_NAME}"
    r"|(?:خدمة|بالاتفاق مع):? ?[«{\"]([^»}\"\n]{3,40})[»}\"]"
    rf"|Dieser (?:Artikel|Text|Beitrag)(?: \w+){{0,4}} (?:bei|in der|in|auf|im|von) {_NAME}"
    rf"|Cet article (?:a été|est)(?: \w+){{0,3}} (?:publié|paru)(?: \w+){{0,2}} (?:sur|par|dans|le site) {_NAME}"
    rf"|Est[ea] (?:artículo|nota|texto|noticia|artigo|matéria)(?: \w+){{0,5}} (?:en|por|em|no|na|pela|pelo) {_NAME}"
    rf"|Questo articolo(?: \w+){{0,5}} (?:su|da|in|sul|dal) {_NAME}"
    rf"|Dit artikel(?: \w+){{0,4}} (?:op|in|door|bij) {_NAME}"
    rf"|Artykuł(?: \w+){{0,4}} (?:w|na|przez) {_NAME}"
    rf"|(?:Статья|Материал|Стаття|Матеріал)(?: \w+){{0,4}} (?:в|на|у|агентством) [«\"]?{_NAME}"
    rf"|Bu (?:haber|yazı|makale)(?: \w+){{0,2}} (?:ilk olarak|ilk kez) {_NAME}"
    r"|نشر هذا المقال[^\n.]{0,20} (?:في|على) ([^\s.،]{2,20}(?: [^\s.،]{2,20})?)"
    r"|(?:本文|本稿)(?:首发于|转载自|轉載自|原载于|最初发表于)[《“「]?(?!微信|公众号|网络|互联网)([\w·]{2,12})(?=[\s，。；、）)》”」：:]|\Z)"
    r"|この記事は[、「]?(\w{2,16}?)(?:」|が|の|から)(?:提供|配信|記事)"
)
# Whoever hands a film or a figure on did not write the text: these count for agencies alone.
DELIVERED = _later("[Dd]istributed|[Pp]rovided|[Ss]upplied")
FULL_STOP = _later(r"\w{3}\.(?= )")  # ends a sentence; `L.A.` does not
MONTH = _later(r"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.?(?: \d|\Z)|\w+day\b")
POSSESSED = _later(r"\s(?:[\"“«]|(?!(?:on|in|and|at|by|under|for|with|as|where|when|before|last)\b)[a-z])")
AUTHORED = _later(
    rf"(?:This|The) {_KIND} by (?:[Tt]he )?(?P<agency>{NAME.pattern}) (?:was|has been|had been)? ?(?:originally|first|initially) published\b"
)
REPORTERS = _later(
    r"(?:Additional |Reporting and )?(?:[Rr]eporting|[Ww]riting|Compiled) (?:and (?:[Ww]riting|[Ee]diting) )?by [^\n]{3,250}?"
    r"(?:(?<=[;.,])|\band) ?(?:[Ee]diting|[Ww]riting)(?: and \w+)? by [^\n)）]{3,120}[)）]?"
    r"|(?:Reporte|Reportaje|Información|Escrito|Reportagem|Por)\b[^()\n]{3,200}[;.,] ?(?:Editad[oa]|Traducid[oa]|[Ee]dição|Tradução) [^()\n]{3,99}[)）]?"
    r"|(?:Bericht|Reporter|Geschrieben)[^()\n]{3,200}[;,.] ?[Rr]edigiert von [^()\n]{3,80}[)）]?"
)
BLOOMBERG = _later(
    r"To contact the (?:reporters?|editors?|authors?)[^\n]{5,200}@bloomberg\.net"
    r"|This column does not necessarily reflect the opinion of (?:the editorial board or )?Bloomberg"
)
HELPED = _later(
    r"(?:(?:This|The) \w+ (?:contains|includes|included|used|uses|was (?:written|compiled|reported|prepared|produced|supplemented)) "
    r"(?:with |using |from |by )?(?:additional )?(?:\w+ )?(?:from|by|of)"
    r"|[Ww]ith (?:additional )?(?:inputs?|files?|reports?|reporting|material|information|contributions?|wires?|writing|assistance|details|agency inputs)"
    r"(?: (?:also|provided|contributed))? (?:from|by|of|via)"
    r"|Additional (?:reporting|material|information) (?:by|from|provided by)|Reporting (?:from|by)|Information from|Material from|Inputs from"
    r"|[Mm]it(?: Material(?:ien)?(?: der| von)?| Informationen(?: der| von)?| Agenturmaterial(?: der| von)?)?|Unter Verwendung von Material(?: der| von)?"
    r"|[Aa]vec(?: l['’]| les informations d[e'’]| les agences)?|[Cc]on(?: información| informaciones| datos| informazioni| reportes)?(?: de| d[ei]l?| da)?"
    r"|[Cc]om(?: informações| agências?)?(?: d[aeo]s?)?|[Mm]et(?: medewerking| informatie| materiaal)?(?: van)?"
    r"|[Nn]a podstawie|[Zz] materiałów|[Пп]о материалам|[Сс] использованием материалов|[Пп]ри участии|[Зз]а матеріалами|[Зз]а інформацією"
    r"|(?:بالتعاون|بالاشتراك) مع|مع|综合|綜合|据|據|参考|參考"
    r")\s?(?:the |The |der |l['’]|ai? |[«\"])?"
)
# What may follow the name of who helped; a sentence that goes on is prose.
HELPED_ENDS = _later(
    r"(?:[\s/,;&+\]»\"'’*-]|and|und|et|y|e|with|staff|other|agencies|wires?|w(?:as|ere) used in (?:this|the) \w+)*"
    r"(?:[.。]|\Z|(?=\n)|[)）]|(?:报道|報道|報導)(?=[)）。\n]|\Z))"
)
AND_NAME = _later(rf"\s?(?:,? and (?:the |The )?|[,/;&+] ?)(?:{NAME.pattern})")
COPYRIGHT_ENDS = _later(r"[\n.]")
COLON = _later(r"[来來稿]源\s?[:：|]\s?")
GOES_ON = _later(r"[\w、]")
GAVE = _later(
    r"contributed(?: (?:additional )?(?:reporting|writing|research|material|information)\b|(?: (?:to|in|for|on) (?:this|the) (?:\w+ )?"
    r"(?:report|story|article|piece|post|dispatch|analysis|package|file|live blog|blog))|(?: to)?\.?(?=\s*(?:\n|\Z))| from [A-Z])"
)

# Pictures.
SLASHED = _later(r"\s?[/|]\s?[A-ZÀ-Þ][\w'’-]{1,20} (?:[A-Z]\. )?[A-ZÀ-Þ][\w'’-]{1,20}")
PHOTOGRAPHER = _later(
    r"(?:\b[A-ZÀ-Þ][\w.'’-]{0,20}\s){1,3}[A-ZÀ-Þ][\w.'’-]{0,20}\s?(?:/\s?(?:Pool|POOL|Handout|HANDOUT)\s?)?\Z"
)
PICTURE_LABEL = _later(
    r"(?:[Pp]hoto(?:s|graph)?(?: by| credit)?|Foto|Crédit photo|Фото|الصورة|صورة|图片来源|圖片來源|写真|写真提供)\s?[:：=]\s?|©\s?"
)
PICTURE_BEFORE = _later(r"(?:via |[/|(©]\s?|[Pp]hoto(?:s|graph)?(?: by)?: ?|\n|\A)\Z")
SURE_PICTURES = frozenset({"AP Photo", "AP Images", "PA Images", "新华社", "新華社"})


def _cues() -> dict[str, str]:
    """Return the words that begin a credit, and the kind of credit."""
    kinds = {
        "picture": "Photo,Photos,Photograph,Foto,Crédit photo,Фото,الصورة,صورة,图片来源,圖片來源,写真,AP Photo,AP Images,PA Images,"
        "Getty Images,Shutterstock,NurPhoto,新华社图片,新华社照片,新華社图片",
        "copyright": "©,Copyright,COPYRIGHT,Авторские права,版权所有,版權所有,著作権",
        "source": "来源,來源,稿源",
        "credit": "Originally published,First published,Originally appeared,Distributed,Provided,Republished,خدمة,بالاتفاق مع,"
        "Dieser Artikel,Dieser Text,Dieser Beitrag,Cet article,Este artículo,Este texto,Este artigo,Esta nota,Esta noticia,Esta matéria,"
        "Questo articolo,Dit artikel,Artykuł,Статья,Материал,Стаття,Матеріал,Bu haber,Bu yazı,Bu makale,نشر هذا,本文,本稿,この記事,"
        "With,Additional,Reporting,Writing by,Compiled by,Reporte,Reportaje,Información,Escrito,Reportagem,Por,Bericht,Reporter,Geschrieben,"
        "To contact the,Information from,Material from,Inputs from,Mit,Unter Verwendung,Avec,Con,Com,Met,Na podstawie,"
        "Z materiałów,По материалам,С использованием материалов,При участии,За матеріалами,За інформацією,بالتعاون مع,بالاشتراك مع,"
        "综合,綜合,据,據,参考,參考",
    }
    cues = {cue: kind for kind, words in kinds.items() for cue in words.split(",")}
    return cues | {
        f"{begin} {kind}": "credit" for begin in ("This", "The", "A version of this") for kind in _CREDIT_KINDS
    }


CUES = _cues()

# Where a clause may begin with a name, with the words that begin a credit, or with the label of a line.
_LABELS = {
    *CODE_NAMES,
    *["with", "mit", "avec", "con", "met", "مع"],
    *_BY.split("|"),
    *_SOURCES.split("|"),
    *_EDITORS.split("|"),
}
_STARTS = {*CUES, *CANONICAL, *_LABELS}
CLAUSE = _later(
    r"[\n(（/:：.!?…。》–—―−_-][^\w\n©]{0,16}(?:[Tt]he (?!article|story|report)|Next Previous |[据據](?=新|中|法|路|美)|[a-z]{2,4}, )?"
    rf"(?P<start>{_words(_STARTS)})"
)
# The same for a text of ASCII letters alone, in half the time.
ASCII_CLAUSE = _later(
    rf"[\n(/:.!?_-][^\w\n]{{0,16}}(?:[Tt]he (?!article|story|report)|[a-z]{{2,4}}, )?(?P<start>{_words(filter(str.isascii, _STARTS))})"
)
