"""The words by which a note on a title is known, as data, each with a real title that has it.

A *note* is what stands in brackets or after a dash. These tables only say what its words mean;
``notes.py`` decides where a word counts.
"""

from __future__ import annotations

from typing import NamedTuple

from matching.reading.normalize import split_words, word_set


def _word_set(words: str) -> frozenset[str]:
    """Return words in the form in which titles are compared."""
    return frozenset(split_words(words))


class Trigger(NamedTuple):
    """``words`` in a note mean a version of ``kind``.

    ``anywhere``: the words count wherever they stand in the note. Otherwise they must open it,
    close it, or stand before "version" and the like, since they are also everyday words.
    ``sense``: which of its kind: "(Sped Up)" and "(Slowed)" are two versions, not one.
    """

    words: tuple[str, ...]
    kind: str
    anywhere: bool = False
    sense: str = ""


def _triggers(
    kind: str, phrases: str, *, anywhere: bool = False, sense: str = ""
) -> tuple[Trigger, ...]:
    return tuple(Trigger(split_words(p), kind, anywhere, sense) for p in phrases.split(","))


def _each(kind: str, phrases: str, *, anywhere: bool = False) -> tuple[Trigger, ...]:
    """Return triggers each of which has a sense of its own."""
    return tuple(Trigger(split_words(p), kind, anywhere, p) for p in phrases.split(","))


TRIGGERS: tuple[Trigger, ...] = (
    # "Hey Jude - Live", "Space Dementia (Live)", "Empty - Live MTV Unplugged"
    *_triggers("live", "live"),
    *_triggers("live", "en vivo,ao vivo,en directo,en concert,dal vivo,in concert", anywhere=True),
    *_triggers("live", "directo,konzert,concierto,concert,en public,na zywo,canli,uzivo,zive"),
    *_triggers("live", "studio live,live duet,live performance,live take", anywhere=True),
    *_triggers("live", "recorded live,live at,live from,live in,live on", anywhere=True),
    *_triggers("live", "ライブ,концерт,live version", anywhere=True),
    # "Nutshell (Unplugged Version)", "Plush - Acoustic", "Change Your Mind - Stripped"
    *_triggers("acoustic", "acoustic,acustico,acustica,acoustique,akustik,acustic,akustikversion"),
    *_triggers("acoustic", "akustisch,akusticka,akustyczna,akoestisch"),
    *_triggers("acoustic", "acoustic version,acoustic mix", anywhere=True),
    *_triggers("acoustic", "unplugged", sense="unplugged"),
    *_triggers("acoustic", "mtv unplugged", anywhere=True, sense="unplugged"),
    *_triggers("acoustic", "stripped,stripped down,stripped back", sense="stripped"),
    *_each("acoustic", "campfire"),
    # "Made To Stray - WXAXRXP Session", "Forget Me - Spotify Singles"
    *_triggers("session", "session,sessions,recording"),
    *_each("session", "tiny desk,spotify singles,itunes session,studio session,home session"),
    *_triggers("session", "lounge", sense="lounge"),
    *_triggers("session", "live lounge", anywhere=True, sense="lounge"),
    *_triggers("session", "recorded at", anywhere=True),
    *_each("session", "bbc session,peel session", anywhere=True),
    # "Nikes - A COLORS SHOW", "Weird Fishes - From the Basement", "Lean On - triple j"
    *_each("session", "colors show,from the basement,at the bbc,kexp,npr,audiotree", anywhere=True),
    *_each("session", "triple j,maida vale,daytrotter,electric lady studios", anywhere=True),
    *_each("session", "la blogotheque,take away show,jam in the van", anywhere=True),
    *_each("session", "paste studios,vevo dscvr", anywhere=True),
    *_each("session", "cercle,boiler room,sofar,apple music nashville,amazon music original"),
    *_each("session", "mahogany session,mahogany sessions,apple music home", anywhere=True),
    *_each("session", "apple music live,amazon original,deezer session", anywhere=True),
    *_each("session", "bbc radio 1,bbc radio 2,radio 1 session", anywhere=True),
    # "Protect Ya Neck (Instrumental)", "Love Shack (Acapella)"
    *_triggers("instrumental", "instrumental,instrumentals,instrumental version", anywhere=True),
    *_triggers("instrumental", "inst,instrumentell,enstrumantal,instrumentalna"),
    *_triggers("instrumental", "instrumentale,instrumentaal,instrumentalversion", anywhere=True),
    *_triggers("instrumental", "backing track,minus 1,off vocal", anywhere=True),
    *_triggers("acappella", "isolated vocals,vocals only,vocal only", anywhere=True),
    *_triggers("acappella", "acapella,acappella,a cappella,a capella,accapella", anywhere=True),
    *_triggers("karaoke", "karaoke,karaoke version,sing along", anywhere=True),
    *_triggers("cover", "cover,cover version,tribute,a tribute to"),
    *_triggers("cover", "originally performed by,in the style of,made famous by", anywhere=True),
    *_triggers("cover", "трибьют,кавер,hommage a", anywhere=True),
    *_triggers("cover", "tribute to,as performed by,originally released by", anywhere=True),
    # "Paint It Black - Demo", "Bloom - Rough Mix", "Little Willy - Alternate Version"
    *_triggers("demo", "demo,demos,maqueta,worktape,work tape"),
    *_triggers("demo", "demo version", anywhere=True),
    *_triggers("demo", "rehearsal,rehearsals", sense="rehearsal"),
    *_each("demo", "outtake,sketch,work in progress,voice memo"),
    *_each("demo", "rough mix,early version,home recording", anywhere=True),
    *_triggers("take", "alternate,alternative,alt,take,alternate take,alternative version"),
    *_triggers("take", "alternate version,alternate mix", anywhere=True),
    *_each("take", "unreleased version", anywhere=True),
    # "Starboy - Kygo Remix", "Breathe me (Ulrich Schnauss Rmx)", "Norrland (… Bootleg)"
    *_triggers("remix", "remix,remixed,rmx,remixes,remixed by,remezcla", anywhere=True),
    *_triggers("remix", "rework,reworked,re work,re worked", anywhere=True, sense="rework"),
    *_triggers("remix", "mashup,mash up", anywhere=True, sense="mashup"),
    *_triggers("remix", "reconstruction,reconstructed", anywhere=True, sense="reconstructed"),
    *_triggers("remix", "refix,re fix", anywhere=True, sense="refix"),
    *_triggers("remix", "revibe,re vibe", anywhere=True, sense="revibe"),
    *_triggers("remix", "reshape,re shape", anywhere=True, sense="reshape"),
    *_triggers("remix", "re edit,reedit", anywhere=True, sense="reedit"),
    *_triggers(
        "remix",
        "reimagined,re imagined,reimagine,reimagination,reimagining",
        anywhere=True,
        sense="reimagined",
    ),
    *_each("remix", "bootleg,deconstruction,redux,rerub,regrooved", anywhere=True),
    *_triggers("remix", "reworking", sense="rework"),
    *_each("remix", "remake,rebuild,remodel,reinterpretation,flip,interpretation,rendition"),
    *_each("remix", "revisited,reprised,retouch,overhaul,treatment"),
    # "KAMIKAZE - VIP" is the artist's own, "KAMIKAZE - Thyron Remix" is not
    *_triggers("vip", "vip,vip mix"),
    *_triggers("dub", "dub,dub mix,dub version"),
    *_triggers("tempo", "sped up,speed up,spedup", anywhere=True, sense="faster"),
    *_triggers("tempo", "slowed,slowed down", anywhere=True, sense="slower"),
    *_triggers("tempo", "chopped,screwed", anywhere=True, sense="chopped"),
    *_triggers("tempo", "8d,8d audio", anywhere=True, sense="8d"),
    *_each("tempo", "nightcore,daycore,reverb,bass boosted,super slowed", anywhere=True),
    # "Boy (extended mix)", "Some Nights - Extended", "Blue Monday - 12\" Version"
    *_triggers("extended", "extended,extended mix,extended version,long version", anywhere=True),
    *_triggers("extended", "12 inch,12 version,12 mix", anywhere=True),
    *_triggers("extended", "version extendida,version larga,version longue", anywhere=True),
    *_each("extended", "club mix", anywhere=True),
    # "Love Story (Taylor's Version)", "Surf City - Re-Recording", "Band of Gold - Re-Record"
    *_triggers("rerecording", "re recorded,rerecorded,re recording,rerecording", anywhere=True),
    *_triggers("rerecording", "re record,new recording,rerecord", anywhere=True),
    # "Out Of Time - Strings Version", "Spiegel im Spiegel - Version for Violin and Piano"
    *_triggers("arrangement", "orchestral,orchestra,orchestrale,symphonic", sense="orchestra"),
    *_triggers("arrangement", "orchestral version,symphonic version", sense="orchestra"),
    *_triggers("arrangement", "strings,string quartet,quartet", sense="strings"),
    *_triggers("arrangement", "piano,piano version,solo piano,piano solo", sense="piano"),
    *_triggers("arrangement", "8 bit,chiptune", sense="8 bit"),
    *_each("arrangement", "violin,guitar,cello,harp,choir,music box,jazz version"),
    *_each("arrangement", "lullaby version,lullaby rendition,lullaby cover"),
    *_triggers("arrangement", "with strings,with string quartet", anywhere=True, sense="strings"),
    *_triggers("arrangement", "with orchestra,with choir", anywhere=True, sense="orchestra"),
    *_triggers("arrangement", "arr,arr for,arr by,arranged by,arranged for,version for"),
    *_triggers("arrangement", "arrangement,transcription"),
    # "Boyz N The Hood - Spanish Version", "Cupid - Korean Version"
    *_triggers("language", "spanish,espanol,en espanol,en castellano,spanisch", sense="spanish"),
    *_triggers("language", "english,en ingles,in english,englisch,em ingles", sense="english"),
    *_triggers("language", "french,francais,francaise,en francais", sense="french"),
    *_triggers("language", "german,deutsch,deutsche,auf deutsch", sense="german"),
    *_triggers("language", "italian,italiano,italiana,in italiano", sense="italian"),
    *_triggers("language", "portuguese,portugues,em portugues", sense="portuguese"),
    *_each("language", "dutch,swedish,norwegian,danish,finnish,turkish,greek,arabic,hebrew"),
    *_each("language", "hindi,tamil,telugu,malayalam,kannada,punjabi,bengali,marathi,urdu"),
    *_each("language", "thai,vietnamese,tagalog,indonesian,hawaiian,catalan,euskara"),
    *_each("language", "polish version,irish version,welsh version,gaelic"),
    *_triggers("language", "chinese,mandarin", sense="chinese"),
    *_each("language", "cantonese"),
    *_each("language", "japanese,korean,russian"),
    *_each("language", "spanglish"),
    # "Cheney Lane - Mixed", "Don't Ditch (Continuous DJ Mix)"
    *_triggers("mixed", "mixed,continuous mix,dj mix,continuous dj mix,mix cut"),
    *_triggers("section", "intro,introduction", sense="intro"),
    *_triggers("section", "interlude,interludio", sense="interlude"),
    *_triggers("section", "commentary,track by track", sense="commentary"),
    *_triggers("section", "dialogue,spoken word", sense="spoken"),
    *_triggers("section", "excerpt,snippet", sense="excerpt"),
    *_each("section", "continued,reprise,outro,skit,prelude"),
    *_triggers("medley", "medley"),
)  # fmt: skip

# Notes in scripts that write no blanks, read as English: "Passport - シングル版",
# "唯一 (三立/台視戲劇【戀愛是科學】插曲)". Longer ones first.
PHRASES = {
    "ラジオ・エディット": "radio edit",
    "シングル版": "single version", "シングル・ヴァージョン": "single version",
    "シングル・バージョン": "single version", "アルバム・ヴァージョン": "album version",
    "アルバム・バージョン": "album version", "リマスタリング": "remaster", "リマスター": "remaster",
    "リミックス": "remix", "ライブ": "live", "ライヴ": "live", "アコースティック": "acoustic",
    "インストゥルメンタル": "instrumental", "インスト": "instrumental",
    "オフボーカル": "instrumental", "カラオケ": "karaoke", "カバー": "cover", "デモ": "demo",
    "英語版": "english version", "日本語版": "japanese version", "韓国語版": "korean version",
    "ヴァージョン": "version", "バージョン": "version",
    "主題歌": "soundtrack", "主题歌": "soundtrack", "主題曲": "soundtrack", "主题曲": "soundtrack",
    "插曲": "soundtrack", "片尾曲": "soundtrack", "片頭曲": "soundtrack", "片头曲": "soundtrack",
    "挿入歌": "soundtrack", "原聲帶": "soundtrack", "原声带": "soundtrack",
    "現場": "live", "现场": "live", "伴奏": "instrumental", "國語版": "mandarin version",
    "国语版": "mandarin version", "粵語版": "cantonese version", "粤语版": "cantonese version",
    "라이브": "live", "리믹스": "remix", "리마스터": "remaster", "어쿠스틱": "acoustic",
    "연주곡": "instrumental", "반주": "instrumental", "버전": "version",
    "ремастеринг": "remaster", "ремастированная": "remaster",
    "ремастер": "remaster", "ремикс": "remix", "концерт": "live", "акустика": "acoustic",
    "минус": "instrumental", "версия": "version", "версія": "version",
}  # fmt: skip

# After one of these a trigger that opens a note still counts: "Live at …", "Piano Version".
FOLLOWERS = _word_set(
    "at a au aux im en in from on by for version ver versao mix remix edit session sessions take "
    "mtv bbc "
    "acoustic live recording radio demo video and cut studio solo studios feat featuring with"
)

_REMASTERED = _word_set(
    "remaster remastered remastering remasterd remastered2 remastrad remasterizado remasterizada "
    "remasterizados rematerizado remasterise remasterisee rimasterizzato rimasterizzata"
)
# A note of these words alone names the same recording: "- 2011 Remaster", "(Mono)",
# "- Remastered Album Version", "(Explicit)", "- Original Mix", "- Bonus Track".
HARMLESS = _REMASTERED | _word_set(
    "digital digitally mono stereo explicit clean album original bonus track lp deluxe edition "
    "expanded anniversary version ver mix in the master hd hq hi res audio official lyrics lyric "
    "video music edicao edicion e soundtrack ost us uk international uncensored censored dirty "
    "restored reissue release japan hidden standard mastered mastering and th special collectors "
    "full length collector amended recording studio super dolby atmos spatial ep re visualizer "
    "visualiser stream oficial officiel offiziell offizielles letra clip videoclip"
)
# … and at least one of these, or the words are a title of their own: "(In the Mix)".
HARMLESS_HEADS = _REMASTERED | _word_set(
    "mono stereo explicit clean album original bonus lp deluxe expanded length official lyric "
    "lyrics soundtrack ost uncensored censored dirty restored reissue anniversary hidden studio "
    "amended atmos spatial res ep mastered audio hd hq visualizer visualiser stream oficial "
    "officiel offizielles letra videoclip"
)
# Before "bonus track" they say where a record was sold: "- Japanese Bonus Track".
MARKETS = _word_set("japanese american british european australian")
# Before "mix": "- Original Mix", "- Stereo Mix", but not "- Deluxe Mix".
MIX_HEADS = _word_set("original album lp mono stereo remaster remastered official")
# … or these together: "Hit Song (Music Video)"; "- Video Version" may be another length.
VIDEO = _word_set("music video")
# The note of the master that went on a single or in a shop: "Beat It - Single Version",
# "Legs (45 Version)", "Impossible - Main", "Denise - Original Hit Version", "- Single/LP Version".
SINGLE = _word_set("non single singles 45 7 inch main hit juke box edited")
# A subtitle with one of these is no longer name of the song, however long: "(Hello Steve Reich Mix
# by James Murphy for the DFA)", "- With rap and with vocorder ALSO ALBUM VERSION".
OF_VERSIONS = _word_set(
    "mix remix edit version vocal vocals rap video beats dub take demo session sessions radio live "
    "recorded performed acoustic instrumental extended remake cover edition "
    "tape tapes worktape boombox rehearsal single performance stage festival choir piano pianos "
    "ukulele played sung"
)
LAST_WORDS = _word_set("single singles main edited edit edits radio short")
# An album, so the recording on it: "Burn - Confession Special Edition Version",
# "Cantaloupe Island - Remastered 1999/Rudy Van Gelder Edition". Closes the note but for "version".
EDITIONS = tuple(
    split_words(phrase)
    for phrase in (
        "special edition", "van gelder edition", "collection", "greatest hits", "legacy edition",
        "platinum edition", "limited edition", "tour edition", "anniversary edition",
        "deluxe edition", "expanded edition", "soundtrack",
    )
)  # fmt: skip
# A mix for the radio is mostly as long as the album's, a "- Radio Edit" mostly is not.
RADIO_LAST = word_set("mix version ver")
# Perhaps another length or mix of the same take: "- Radio Edit", "- Film Version",
# "Paperback Writer - 2015 Mix". Such a note on one side is a reason to look.
EDIT = _word_set("radio edit short shortened video tv film new edits dj uncut")

# "Savages - From Pocahontas / Soundtrack Version", "Lady Marmalade - From \"Moulin Rouge\" …"
SOURCE_WORDS = _word_set(
    "soundtrack movie film picture series musical score advert original television tv show game "
    "ost anime theme vault netflix disney album episode season trailer motion bande"
)

# "Part 1", "Pts. 1 & 2", "Teil IV", "Часть 2"; the word is set aside, the number kept.
PART_WORDS = _word_set("part parts pt pts parte partie teil часть chast ч vol volume chapter")
# Those that do not mean "part".
DIVISIONS = {"vol": "volume", "volume": "volume", "chapter": "chapter"}

ROMAN = {
    "i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8",
    "ix": "9", "x": "10", "xi": "11", "xii": "12", "xiii": "13", "xiv": "14", "xv": "15",
}  # fmt: skip
# Roman numerals that are no word by themselves, so read wherever they end a title.
SURE_ROMAN = frozenset({"ii", "iii", "iv", "vi", "vii", "viii", "ix", "xii", "xiii"})

GUEST_MARKS = _word_set("feat ft featuring with w con fea freat duet")
INLINE_GUEST_MARKS = ("feat.", "ft.", "featuring", "feat", "ft")
CREDIT_MARKS = ("prod", "produced")
# Of "(with the London Symphony Orchestra)": no guest.
PLAYERS = _word_set(
    "strings orchestra orchestre orchester choir philharmonic symphony quartet ensemble sinfonietta"
)
# "(Let Me Live)", "(The Way We Live)": not a concert.
BEFORE_LIVE = _word_set(
    "me we i you to they us it he she who people how long must can cant will wont dont never still "
    "could would should where and or both love not"
)

REMASTER_WORDS = _REMASTERED | _word_set("remasters master")

MONTHS = _word_set(
    "january february march april may june july august september october november december jan feb "
    "mar apr jun jul aug sep sept oct nov dec"
)

# Who or what remasters: "- 2003 Sony Remaster", "- Remastered At Abbey Road Studios"; any other
# word tells of a recording: "- Esher Remastered", "- Wembley 1986 Remaster".
MASTERERS = _word_set(
    "sony warner emi rca columbia motown atlantic capitol rhino abbey road studios at by from for "
    "rudy van gelder rvg bob ludwig steve hoffman dsd sacd cd vinyl analog analogue tape tapes "
    "collection hi fi k2 bit uhqcd blu ray fully newly new half speed master masters"
)

# Words of a version note that say nothing about which version.
EMPTY_QUALIFIERS = _word_set(
    "the a an version ver mix remix rmx edit at in from on by of for and de la el track bonus "
    "remaster remastered remixed recorded session sessions live acoustic instrumental mono stereo "
    "original album single take demo official audio video feat featuring with digital explicit "
    "rework bootleg rework extended club"
)
