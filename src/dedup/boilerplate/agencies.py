"""The news and picture agencies of the world, and how texts write them."""
# ruff: noqa: E501, RUF001  # an agency a line, and names in every script: some of their letters look like Latin ones

from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import urlsplit


class Agency(NamedTuple):
    """An agency.

    Args:
        name: The canonical name, also a spelling.
        spellings: How texts write it besides; the upper-case forms of all of them count too.
        short: Spellings that are other words or names as well, so they need brackets or slashes to count.
        credit: The spellings that may stand behind a photographer's name, as in `(Ida Brock/AP)`.
        hosts: Its sites, without `www.`.
        picture: Whether it sends pictures and no reports.
    """

    name: str
    spellings: tuple[str, ...] = ()
    short: tuple[str, ...] = ()
    credit: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    picture: bool = False


# fmt: off
AGENCIES: tuple[Agency, ...] = (
    Agency("Reuters", ("Thomson Reuters", "Рейтер", "Рейтерс", "Ройтерс", "رويترز", "路透社", "路透", "ロイター", "ロイター通信"), (),
           ("Reuters", "REUTERS"), ("reuters.com",)),
    Agency("AP", ("Associated Press", "The Associated Press", "AP News", "A.P.", "Ассошиэйтед Пресс", "Асошіейтед Прес", "أسوشيتد برس",
                  "اسوشيتد برس", "أسوشييتد برس", "الأسوشيتد برس", "美联社", "美聯社", "AP通信"), ("أ ب", "أ.ب", "أ. ب"),
           ("AP", "Associated Press"), ("apnews.com", "ap.org")),
    Agency("AFP", ("Agence France-Presse", "Agence France Presse", "France-Presse", "Франс Пресс", "Франс-Пресс", "Франс Прес",
                   "АФП", "فرانس برس", "أ ف ب", "ا ف ب", "أ.ف.ب", "أ. ف. ب", "أ ف ب.", "法新社", "AFP通信", "AFP時事"), (),
           ("AFP",), ("afp.com",)),
    Agency("PA", ("PA Media", "Press Association", "The Press Association", "PA News Agency", "PA Wire"), ("PA",),
           ("PA", "PA Archive", "PA Media", "PA Wire", "Press Association"), ("pa.media", "pressassociation.com")),
    Agency("dpa", ("Deutsche Presse-Agentur", "Deutsche Presse Agentur", "dpa-AFX", "dpa-infocom", "ДПА", "د ب أ", "د.ب.أ", "د. ب. أ",
                   "德新社", "DPA通信", "ドイツ通信"), ("الألمانية",), ("DPA", "dpa"), ("dpa.com",)),
    Agency("EFE", ("Agencia EFE", "Agência EFE", "EFE-EPA", "ЭФЕ", "إفي", "埃菲社"), (), ("EFE",), ("efe.com",)),
    Agency("ANSA", ("Agenzia ANSA", "АНСА", "أنسا", "安莎社"), (), ("ANSA",), ("ansa.it",)),
    Agency("Xinhua", ("Xinhua News Agency", "Xinhuanet", "Синьхуа", "Сіньхуа", "شينخوا", "新华社", "新華社", "新华网", "新华通讯社",
                      "新华每日电讯", "Chine nouvelle", "新華社通信"), (), ("Xinhua",), ("xinhuanet.com", "news.cn")),
    Agency("China News Service", ("中新社", "中新网", "中國新聞社", "中国新闻网", "中国新闻社", "中新財經", "中新经纬"), ("CNS",), (),
           ("chinanews.com", "chinanews.com.cn", "ecns.cn")),
    Agency("CNA", ("Central News Agency", "中央社", "中央通訊社"), ("CNA",), (), ("cna.com.tw", "focustaiwan.tw")),
    Agency("TASS", ("ITAR-TASS", "Itar-Tass", "ТАСС", "ИТАР-ТАСС", "ТАРС", "تاس", "塔斯社", "俄塔社", "タス通信"), (), ("TASS",),
           ("tass.ru", "tass.com")),
    Agency("RIA Novosti", ("РИА Новости", "РІА Новости", "РИА «Новости»", "نوفوستي", "俄新社", "RIAノーボスチ"), ("RIA",), (),
           ("ria.ru",)),
    Agency("Interfax", ("Интерфакс", "Інтерфакс", "Интерфакс-Украина", "Інтерфакс-Україна", "Interfax-Ukraine", "إنترفاكس",
                        "国际文传电讯社", "インタファクス", "インタファクス通信"), (), (),
           ("interfax.ru", "interfax.com", "interfax.com.ua")),
    Agency("Sputnik", ("Спутник Новости", "Радио Sputnik"), ("Sputnik",), (), ("sputniknews.com", "sputnikglobe.com")),
    Agency("Regnum", ("ИА REGNUM", "ИА Регнум"), (), (), ("regnum.ru",)),
    Agency("Ukrinform", ("Укринформ", "Укрінформ", "乌克兰国家通讯社"), (), (), ("ukrinform.ua", "ukrinform.net")),
    Agency("UNIAN", ("УНИАН", "УНІАН"), (), (), ("unian.ua", "unian.net", "unian.info")),
    Agency("BelTA", ("БЕЛТА", "БелТА"), (), (), ("belta.by",)),
    Agency("Kyodo", ("Kyodo News", "Киодо", "Кіодо", "كيودو", "共同社", "共同通信", "共同通信社"), ("共同",), ("Kyodo",),
           ("kyodonews.net", "kyodonews.jp", "kyodo.co.jp")),
    Agency("Jiji", ("Jiji Press", "Jiji News", "時事通信", "時事通信社", "时事社", "جيجي"), ("時事",), (), ("jiji.com",)),
    Agency("Yonhap", ("Yonhap News", "Yonhap News Agency", "Ёнхап", "يونهاب", "韩联社", "韓聯社", "聯合ニュース", "연합뉴스"), (),
           ("Yonhap",), ("yna.co.kr", "yonhapnews.co.kr")),
    Agency("KCNA", ("Korean Central News Agency", "ЦТАК", "朝中社", "朝鲜中央通讯社", "朝鮮中央通信"), (), (), ("kcna.kp",)),
    Agency("Bloomberg", ("Bloomberg News", "Блумберг", "بلومبرغ", "بلومبيرغ", "بلومبرج", "彭博社", "彭博", "ブルームバーグ"), (),
           ("Bloomberg", "Bloomberg News"), ("bloomberg.com", "bloomberg.net")),
    Agency("Dow Jones", ("Dow Jones Newswires", "道琼斯", "ダウ・ジョーンズ"), (), (), ("dowjones.com",)),
    Agency("UPI", ("United Press International", "合众国际社", "UPI通信"), (), ("UPI",), ("upi.com",)),
    Agency("Canadian Press", ("The Canadian Press", "La Presse canadienne", "La Presse Canadienne"), ("CP", "THE CANADIAN PRESS"),
           ("Canadian Press",), ("thecanadianpress.com",)),
    Agency("AAP", ("Australian Associated Press",), (), ("AAP",), ("aap.com.au",)),
    Agency("NZME", (), (), (), ("nzme.co.nz",)),
    Agency("PTI", ("Press Trust of India", "पीटीआई"), (), ("PTI",), ("ptinews.com",)),
    Agency("IANS", ("Indo-Asian News Service",), (), (), ("ians.in",)),
    Agency("ANI", ("Asian News International",), ("ANI",), (), ("aninews.in",)),
    Agency("UNI", ("United News of India",), ("UNI",), (), ("uniindia.com",)),
    Agency("APP", ("Associated Press of Pakistan",), ("APP",), (), ("app.com.pk",)),
    Agency("BSS", ("Bangladesh Sangbad Sangstha",), ("BSS",), (), ("bssnews.net",)),
    Agency("Bernama", ("BERNAMA", "马新社", "ベルナマ"), (), (), ("bernama.com",)),
    Agency("Antara", ("ANTARA News", "安塔拉通讯社"), ("Antara",), (), ("antaranews.com",)),
    Agency("PNA", ("Philippine News Agency",), ("PNA",), (), ("pna.gov.ph",)),
    Agency("VNA", ("Vietnam News Agency", "Thông tấn xã Việt Nam", "TTXVN", "越通社"), ("VNA",), (), ("vnanet.vn",)),
    Agency("Anadolu", ("Anadolu Agency", "Anadolu Ajansı", "Agence Anadolu", "Agencia Anadolu", "Анадолу", "الأناضول", "阿纳多卢通讯社",
                       "アナドル通信"), ("AA",), ("Anadolu", "Anadolu Agency"), ("aa.com.tr",)),
    Agency("DHA", ("Demirören Haber Ajansı", "Doğan Haber Ajansı"), ("DHA",), (), ("dha.com.tr",)),
    Agency("İHA", ("İhlas Haber Ajansı",), ("IHA",), (), ("iha.com.tr",)),
    Agency("ANKA", ("ANKA Haber Ajansı",), ("ANKA",), (), ("ankahaber.net",)),
    Agency("SPA", ("Saudi Press Agency", "واس", "وكالة الأنباء السعودية", "沙特通讯社"), ("SPA",), (), ("spa.gov.sa",)),
    Agency("QNA", ("Qatar News Agency", "وكالة الأنباء القطرية"), ("QNA", "قنا"), (), ("qna.org.qa",)),
    Agency("KUNA", ("Kuwait News Agency", "وكالة الأنباء الكويتية"), ("كونا",), (), ("kuna.net.kw",)),
    Agency("WAM", ("Emirates News Agency", "وكالة أنباء الإمارات"), ("WAM", "وام"), (), ("wam.ae",)),
    Agency("BNA", ("Bahrain News Agency", "وكالة أنباء البحرين"), ("BNA", "بنا"), (), ("bna.bh",)),
    Agency("ONA", ("Oman News Agency", "وكالة الأنباء العمانية"), ("ONA", "العمانية"), (), ("omannews.gov.om",)),
    Agency("MENA", ("Middle East News Agency", "أ ش أ", "أ.ش.أ", "وكالة أنباء الشرق الأوسط"), ("MENA",), (), ("mena.org.eg",)),
    Agency("Petra", ("Jordan News Agency", "وكالة الأنباء الأردنية"), ("Petra", "بترا"), (), ("petra.gov.jo",)),
    Agency("WAFA", ("وكالة الأنباء الفلسطينية",), ("WAFA", "وفا"), (), ("wafa.ps",)),
    Agency("SANA", ("Syrian Arab News Agency", "وكالة الأنباء السورية"), ("SANA", "سانا"), (), ("sana.sy",)),
    Agency("INA", ("Iraqi News Agency", "وكالة الأنباء العراقية"), ("INA", "واع"), (), ("ina.iq",)),
    Agency("SUNA", ("Sudan News Agency", "وكالة السودان للأنباء"), ("SUNA", "سونا"), (), ("suna-sd.net",)),
    Agency("MAP", ("Maghreb Arabe Presse", "وكالة المغرب العربي للأنباء"), ("MAP", "و م ع"), (), ("mapnews.ma",)),
    Agency("APS", ("Algérie Presse Service", "وكالة الأنباء الجزائرية"), ("APS", "واج"), (), ("aps.dz",)),
    Agency("TAP", ("Tunis Afrique Presse", "وكالة تونس إفريقيا للأنباء"), ("TAP", "وات"), (), ("tap.info.tn",)),
    Agency("IRNA", ("Islamic Republic News Agency", "ИРНА", "إرنا", "伊朗伊斯兰共和国通讯社"), ("ارنا",), (), ("irna.ir",)),
    Agency("NAN", ("News Agency of Nigeria",), ("NAN",), (), ("nannews.ng",)),
    Agency("GNA", ("Ghana News Agency",), ("GNA",), (), ("gna.org.gh",)),
    Agency("ENA", ("Ethiopian News Agency",), ("ENA",), (), ("ena.et",)),
    Agency("PANA", ("Panapress", "Agence panafricaine de presse"), ("PANA",), (), ("panapress.com",)),
    Agency("APA", ("Austria Presse Agentur", "Austria Press Agency"), ("APA",), ("APA",), ("apa.at",)),
    Agency("Keystone-SDA", ("Keystone-ATS", "Schweizerische Depeschenagentur"), ("SDA", "sda", "ATS", "ats"), ("Keystone",),
           ("keystone-sda.ch",)),
    Agency("SID", ("Sport-Informations-Dienst",), ("SID",), (), ("sid.de",)),
    Agency("epd", ("Evangelischer Pressedienst",), ("epd",), (), ("epd.de",)),
    Agency("KNA", ("Katholische Nachrichten-Agentur",), ("KNA",), (), ("kna.de",)),
    Agency("Belga", ("Agence Belga", "贝尔加通讯社"), (), ("Belga",), ("belga.be", "belganewsagency.eu")),
    Agency("ANP", ("Algemeen Nederlands Persbureau",), ("ANP",), ("ANP",), ("anp.nl",)),
    Agency("Novum", ("Novum Nieuws",), (), (), ("novum.nl",)),
    Agency("Europa Press", ("EUROPA PRESS",), (), (), ("europapress.es",)),
    Agency("Colpisa", (), (), (), ("colpisa.com",)),
    Agency("Notimex", (), (), (), ("notimex.gob.mx",)),
    Agency("Télam", ("Telam",), (), (), ("telam.com.ar",)),
    Agency("Prensa Latina", ("Пренса Латина", "拉美社"), (), (), ("prensa-latina.cu",)),
    Agency("Adnkronos", ("AdnKronos",), (), (), ("adnkronos.com",)),
    Agency("AGI", ("Agenzia Italia",), ("AGI",), (), ("agi.it",)),
    Agency("Askanews", ("askanews",), (), (), ("askanews.it",)),
    Agency("LaPresse", (), ("LaPresse",), (), ("lapresse.it",)),
    Agency("Lusa", ("Agência Lusa", "卢萨社"), ("Lusa",), ("Lusa",), ("lusa.pt",)),
    Agency("Agência Brasil", ("Agencia Brasil",), (), (), ("agenciabrasil.ebc.com.br",)),
    Agency("Estadão Conteúdo", ("Agência Estado",), (), (), ("agenciaestado.com.br",)),
    Agency("Folhapress", (), (), (), ("folhapress.com.br",)),
    Agency("PAP", ("Polska Agencja Prasowa", "波通社"), ("PAP",), (), ("pap.pl",)),
    Agency("ČTK", ("Česká tisková kancelář",), ("CTK",), (), ("ctk.cz", "ceskenoviny.cz")),
    Agency("MTI", ("Magyar Távirati Iroda",), ("MTI",), (), ("mti.hu",)),
    Agency("BTA", ("Bulgarian News Agency", "БТА"), ("BTA",), (), ("bta.bg",)),
    Agency("Agerpres", ("AGERPRES",), (), (), ("agerpres.ro",)),
    Agency("Tanjug", ("Танјуг", "Танюг"), (), (), ("tanjug.rs",)),
    Agency("BNS", ("Baltic News Service",), ("BNS",), (), ("bns.lt", "bns.ee")),
    Agency("TT", ("TT Nyhetsbyrån",), ("TT",), ("TT",), ("tt.se",)),
    Agency("NTB", (), ("NTB",), ("NTB",), ("ntb.no",)),
    Agency("Ritzau", (), (), ("Ritzau",), ("ritzau.dk",)),
    Agency("STT", ("Suomen Tietotoimisto",), ("STT",), (), ("stt.fi",)),
    Agency("Inter Press Service", (), ("IPS",), (), ("ipsnews.net",)),
    Agency("Tribune News Service", ("Tribune Content Agency", "McClatchy-Tribune"), ("TNS",), (), ("tribunecontentagency.com",)),
    Agency("States Newsroom", (), (), (), ("statesnewsroom.com",)),
    Agency("PR Newswire", ("PRNewswire", "PRNewsWire", "PR NewsWire", "美通社"), (), (), ("prnewswire.com", "prnewswire.co.uk")),
    Agency("Business Wire", ("BusinessWire", "美国商业资讯", "ビジネスワイヤ"), (), (), ("businesswire.com",)),
    Agency("GlobeNewswire", ("GLOBE NEWSWIRE", "Globe Newswire", "Globenewswire", "Globe NewsWire"), (), (), ("globenewswire.com",)),
    Agency("Accesswire", ("ACCESS Newswire", "AccessWire"), (), (), ("accesswire.com", "accessnewswire.com")),
    Agency("Marketwired", ("Marketwire", "MARKET WIRE"), (), (), ("marketwired.com",)),
    Agency("CNW", ("CNW Group", "Canada NewsWire"), ("CNW",), (), ("newswire.ca",)),
    Agency("EIN Presswire", ("EINPresswire", "EINPresswire.com"), (), (), ("einpresswire.com",)),
    Agency("news aktuell", (), ("ots",), (), ("presseportal.de", "newsaktuell.de")),
    Agency("EPA", ("European Pressphoto Agency", "EPA-EFE"), ("EPA",), ("EPA", "EPA-EFE"), ("epa.eu",), picture=True),
    Agency("Getty Images", (), ("Getty",), ("Getty", "Getty Images"), ("gettyimages.com",), picture=True),
    Agency("AP Images", ("AP Photo",), (), ("AP Images", "AP Photo"), ("apimages.com",), picture=True),
    Agency("PA Images", (), (), ("PA Images",), ("paimages.co.uk",), picture=True),
    Agency("Reuters Pictures", (), (), ("Reuters Pictures",), (), picture=True),
    Agency("Shutterstock", (), (), ("Shutterstock",), ("shutterstock.com",), picture=True),
    Agency("iStock", ("iStockphoto",), (), ("iStock",), ("istockphoto.com",), picture=True),
    Agency("Rex Features", (), ("Rex",), ("Rex", "Rex Features"), ("rexfeatures.com",), picture=True),
    Agency("Abaca", ("Abacapress",), (), ("Abaca",), ("abacapress.com",), picture=True),
    Agency("Alamy", (), (), ("Alamy",), ("alamy.com",), picture=True),
    Agency("Corbis", (), (), ("Corbis",), (), picture=True),
    Agency("Landov", (), (), (), (), picture=True),
    Agency("MAXPPP", (), (), ("MAXPPP",), ("maxppp.com",), picture=True),
    Agency("NurPhoto", (), (), ("NurPhoto",), ("nurphoto.com",), picture=True),
    Agency("Redux", (), ("Redux",), ("Redux",), (), picture=True),
    Agency("Sipa", ("Sipa USA", "SIPA USA"), ("Sipa",), ("SIPA", "Sipa", "Sipa USA"), ("sipa.com",), picture=True),
    Agency("SOPA Images", (), ("SOPA",), ("SOPA",), (), picture=True),
    Agency("Zuma", ("Zuma Press", "ZUMAPRESS"), ("Zuma",), ("Zuma",), ("zumapress.com",), picture=True),
)
# fmt: on

# Stand where an agency stands in a picture's credit and are none.
_NO_AGENCIES = frozenset({"Handout", "Pool"})
# These name a service for pictures and nothing else, so they are a credit even when no photographer is named.
_SERVICES = frozenset({
    "AP Images", "Getty Images", "PA Images", "Reuters Pictures", "Rex Features", "Shutterstock", "iStock",
})  # fmt: skip

#: Spellings that credit a picture even when no photographer is named.
PICTURES = frozenset(s for agency in AGENCIES if agency.name in _SERVICES for s in agency.credit if s != "Rex")
#: Spellings that credit a picture behind a photographer's name.
CREDITED = frozenset(s for agency in AGENCIES for s in agency.credit if s not in PICTURES) | _NO_AGENCIES


def _canonical() -> dict[str, str]:
    names: dict[str, str] = {}
    for agency in AGENCIES:
        for spelling in (agency.name, *agency.spellings, *agency.short):
            names.setdefault(spelling, agency.name)
            names.setdefault(spelling.upper(), agency.name)
    return names


#: Every spelling and its upper-case form -> canonical name.
CANONICAL: MappingProxyType[str, str] = MappingProxyType(_canonical())
#: Spellings that are no other words, of agencies that write reports; they count without brackets too.
PLAIN = MappingProxyType({
    spelling: name
    for agency in AGENCIES
    for s in (agency.name, *agency.spellings)
    for spelling in (s, s.upper())
    if not agency.picture and s not in agency.short and (name := CANONICAL[spelling]) == agency.name
})  # fmt: skip
PICTURE_NAMES = frozenset(agency.name for agency in AGENCIES if agency.picture)
_HOSTS = {host: agency.name for agency in AGENCIES for host in agency.hosts}
_SHORT = frozenset(spelling for agency in AGENCIES for spelling in agency.short)
_FOLDED = {spelling.casefold(): name for spelling, name in CANONICAL.items() if spelling not in _SHORT}
_LONGEST_SOURCE = 200  # characters; no outlet has a longer name or address


@lru_cache(4096)
def is_agency(source: str | None) -> str | None:
    """Return the canonical name of the agency that an outlet's name or address says; None when it is no agency.

    Args:
        source: The outlet: a name ("The Associated Press"), a host ("apnews.com") or an address; None is no agency.
    """
    if not source or len(source) > _LONGEST_SOURCE:
        return None
    folded = " ".join(source.casefold().split())
    name = CANONICAL.get(source.strip()) or _FOLDED.get(folded) or _FOLDED.get(folded.removeprefix("the "))
    if name or "." not in folded or " " in folded:
        return name
    try:
        host = urlsplit(folded if "//" in folded else f"//{folded}").hostname or ""
    except ValueError:  # such as an open bracket
        return None
    labels = host.removeprefix("www.").split(".")
    return next((_HOSTS[h] for i in range(len(labels)) if (h := ".".join(labels[i:])) in _HOSTS), None)
