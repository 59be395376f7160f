"""Kinds of pairs that unseen libraries held and that the matcher once called wrongly."""

from __future__ import annotations

import pytest

from matching import TrackDescription, Verdict, choose, compare

MATCH, REVIEW, DIFFERENT = Verdict.MATCH, Verdict.REVIEW, Verdict.DIFFERENT


def read_case(text: str) -> TrackDescription:
    """Read "title | artist; artist | album | seconds"."""
    title, artists, album, seconds = [*map(str.strip, text.split("|")), "", ""][:4]
    names = tuple(name.strip() for name in artists.split(";"))
    return TrackDescription(title, names, album, int(seconds) * 1000 if seconds else None)


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        # whose song: a guest, a partner, a voice
        ("Run (feat. Una Vale) | Una Vale", "Run (feat. Una Vale) | The Copyists", REVIEW),
        ("Blue Song | Ann Moor with Ben Dale", "Blue Song | Ann Moor", REVIEW),
        ("Blue Song | Ann Moor, Cy & Di", "Blue Song | Ann Moor", REVIEW),
        ("ロキ | み feat. 鏡音リン V4X", "ロキ | み feat. 鏡音リン V4X, 鏡音レン V4X", REVIEW),
        ("ワールド | み feat. 鏡音リン", "ワールド | み feat. 鏡音レン", REVIEW),
        ("World | Mi feat. Kagamine Rin", "World | Mi feat. Kagamine Len", REVIEW),
        ("World | Mi feat. Roddy Rich", "World | Mi feat. Roddy Ricch", MATCH),
        ("Power (feat. Max) | Ann | Days", "Power | Ann | Days (Expanded Edition)", REVIEW),
        ("Power (feat. Max) | Ann | Days", "Power | Ann | Days", MATCH),
        ("Power (feat. Max) | Ann; Max | Days", "Power | Ann | Days", MATCH),
        ("Industry | Lil Nas X & Jack Harlow", "Industry | Lil Nas X; Jack Harlow", MATCH),
        ("Home | Kim Moor • Di Dale", "Home | Kim Moor; Di Dale", MATCH),
        ("Call (feat. DPR LIVE) | Su; DPR LIVE | C", "Call | Su | C", MATCH),
        ("Jet | Wings", "Jet | Paul McCartney & Wings", MATCH),
        ("Jet | Wings", "Jet | Paul McCartney", REVIEW),
        ("Jet | Wings", "Jet | Linda McCartney", DIFFERENT),
        ("Here | Ann e Bo", "Here | Ann; Bo", MATCH),
        ("Here | Bo Burnam | Inside", "Here | Bo Burnham | Inside", MATCH),
        ("Here | Zoe Blake | Tapes", "Here | CMYK; Zoe Blake | Tapes", MATCH),
        # version words that stand elsewhere
        ("Jade | Ann (Faces Remix)", "Jade | Ann", DIFFERENT),
        ("Jade | Ann (Faces Remix)", "Jade (Faces Remix) | Ann", MATCH),
        ("Zombie | Ann (Live)", "Zombie | Ann", DIFFERENT),
        ("Fall - Ben Dale Reimagination | Ann", "Fall | Ann", DIFFERENT),
        ("Hurt (Nine Inch Nails Cover) | Nine Inch Nails", "Hurt | Nine Inch Nails", REVIEW),
        ("Hurt (Nine Inch Nails Cover) | Johnny Cash", "Hurt | Johnny Cash", DIFFERENT),
        ("Tree - Interlude | Ann", "Tree | Ann", REVIEW),
        ("Glow - C.I. Recording 1978 | Ann", "Glow | Ann", REVIEW),
        ("Glow - 1962 Recording | Ann", "Glow | Ann", REVIEW),
        ("Glow - Live Recording 1978 | Ann", "Glow | Ann", DIFFERENT),
        ("Glow - BBC Recording 1978 | Ann", "Glow | Ann", DIFFERENT),
        ("Glow - BBC Session 1978 | Ann", "Glow | Ann", DIFFERENT),
        # an album that has "live" in its name
        ("Up (live) | Ann | Sun (deluxe and also live)", "Up | Ann | Sun (deluxe and also live)",
         DIFFERENT),
        ("Violet | Ann | Live Through This", "Violet | Ann | Best Of", MATCH),
        ("Violet | Ann | Wrong: Live Recordings", "Violet | Ann | Best Of", REVIEW),
        ("Violet | Ann | The Way We Live Sessions", "Violet | Ann | Best Of", MATCH),
        ("Violet | Ann | Live at Leeds", "Violet | Ann | Best Of", REVIEW),
        # lengths settle no mix that names somebody
        ("Rise | Ann | | 200", "Rise (Faces Mix) | Ann | | 200", REVIEW),
        ("Rise | Ann | | 200", "Rise (Faces Edit) | Ann | | 200", REVIEW),
        ("Rise (King Arthur Mix) | Ann | | 200", "Rise (King Artur Mix) | Ann | | 200", REVIEW),
        ("Rise (Di Lake Edit) | Ann; Di Lake | | 200", "Rise | Ann; Di Lake | | 200", MATCH),
        ("Rise (Di Lake Edit) | Ann; Di Lake | | 200", "Rise | Ann; Di Lake | | 190", REVIEW),
        ("Rise | Ann | Hits | 200", "Rise (Faces Mix) | Ann | Hits | 200", MATCH),
        ("Rise | Ann | Hits | 200", "Rise (Faces Mix) | Ann | Rise | 200", REVIEW),
        ("Rise | Ann | Rise | 200", "Rise (Faces Mix) | Ann | Rise | 200", REVIEW),
        ("Up (feat. Jay & Cyhi) | Ann | Hits | 200", "Up | Ann; Jay; Cy Hynes | Hits | 200", MATCH),
        ("Up (feat. Jay & Cyhi) | Ann | Hits | 200", "Up | Ann; Jay; Cy Hynes | Hits", REVIEW),
        ("Up (feat. Jay & Cyhi) | Ann | Up | 200", "Up | Ann; Jay; Cy Hynes | Up | 200", REVIEW),
        # numbers of a part and of a source; what each album has
        ("Leipzig (Part II: Triumph Eternal) | Ann", "Leipzig | Ann", DIFFERENT),
        ('Battle (From "Last Saga VII") | Ann', 'Battle (From "Last Saga VIII") | Ann', REVIEW),
        ('Battle (From "Saga Season 2") | Ann', 'Battle (From "Saga Season 3") | Ann', REVIEW),
        ("Main Title | Ann | Jaws | 137", "Main Title | Ann | Superman | 139", REVIEW),
        ("Kapitel 1 | Ann | Folge 1", "Kapitel 1 | Ann | Folge 7", REVIEW),
        ("Game Over | Ann | Zelda", "Game Over | Ann | Mario", REVIEW),
        ("Glow - Japanese Bonus Track | Ann", "Glow | Ann", MATCH),
        ("Glow (European Bonus Track Version) | Ann", "Glow | Ann", MATCH),
        ("Glow - Bonus Track, Japanese Version | Ann", "Glow | Ann", DIFFERENT),
        ("Glow - Japanese Acoustic Bonus Track | Ann", "Glow | Ann", DIFFERENT),
        ("Glow - Full Length Version | Ann", "Glow | Ann", MATCH),
        ("Glow - Original Full Length | Ann", "Glow | Ann", MATCH),
        ("Glow - Full Length 12\" Mix | Ann", "Glow | Ann", DIFFERENT),
        ("Glow (Full Length Faces Mix) | Ann", "Glow | Ann", REVIEW),
        ("Entr'acte | Ann | Cats", "Entr'acte | Ann | Evita", REVIEW),
        ("I. Allegro | Ann | A", "I. Allegro | Ann | B", REVIEW),
        ("Grave | Ann | A", "Grave | Ann | B", MATCH),
        ("Boss (Halo 2 Soundtrack) | Ann", "Boss (Halo 3 Soundtrack) | Ann", REVIEW),
        ("Fall (From the Vault Sessions) | Ann", "Fall | Ann", DIFFERENT),
        ("Fall - Songs from the Bedroom | Ann", "Fall | Ann", REVIEW),
        ("A Tout le Monde (Set Me Free) | Ann | End", "A Tout le Monde | Ann | Youth", REVIEW),
        ("Tulsa | Ann Moor and Friends", "Tulsa | Ann Moor", REVIEW),
        ("Violet | Ann | The World We Live In", "Violet | Ann | Best Of", MATCH),
        ("Nassau, Pt. 1 & 2 | Ann", "Nassau | Ann", MATCH),
        ("Sessions, Vol. 52/66 | Ann", "Sessions, Vol. 52 | Ann", MATCH),
        ("Ann: Sessions, Vol. 52 | Bo; Ann", "Sessions, Vol. 52 | Bo; Ann", REVIEW),
        ("01 - Weather | Ann", "Weather | Ann", REVIEW),
        ("Edge: i. The Solid, ii. Total, iii. Up | Ann", "Edge | Ann", MATCH),
        # numbers of a file or a record's side; one work's movements; who wrote and who plays
        ("03 Song of Joy | Ann", "Song of Joy | Ann", REVIEW),
        ("A1 Song of Joy | Ann", "Song of Joy | Ann", REVIEW),
        ("Track 3 - Song of Joy | Ann", "Song of Joy | Ann", REVIEW),
        ("Sinfonia Nº 5 | Ann", "Sinfonia No.5 | Ann", MATCH),
        ("Requiem, K. 626: Lacrimosa | Ann", "Requiem, K. 626: Dies irae | Ann", DIFFERENT),
        ("Requiem, K. 626: Lacrimosa | Ann", "Requiem, K. 626: Lacrymosa | Ann", REVIEW),
        ("Cello Suite No. 1, BWV 1007: Prelude | Ann",
         "Cello Suite No. 1, BWV 1007: Sarabande | Ann", DIFFERENT),
        ("The Planets, Op. 32: Mars, the Bringer of War | Ann", "The Planets, Op. 32: Mars | Ann",
         REVIEW),
        ("Symphony No. 40 in G Minor, K. 550: I. Molto allegro | Ann",
         "Symphony No. 40, K. 550: 1. Molto Allegro | Ann", MATCH),
        ("Requiem: Lacrimosa | Wolfgang Amadeus Mozart; Concentus; Ann Moor",
         "Requiem: Lacrimosa | Ann Moor", MATCH),
        ("Blue Song | Ann Moor; Ben Dale", "Blue Song | Ben Dale", REVIEW),
        # whose name opens the title
        ("Ann Moor - Blue Song | Ann Moor", "Blue Song | Ann Moor", MATCH),
        ("Ann Moor: Blue Song | Ann Moor", "Blue Song | Ann Moor", MATCH),
        ("Ann Moor - Live | Ann Moor", "Live | Ann Moor", DIFFERENT),
        # names spelled as they are read
        ("Get You | Alexej Vorobjov", "Get You | Alexey Vorobyov", MATCH),
        ("Belarus | Anastasiya Vinnikova", "Belarus | Anastasia Vinnikova", MATCH),
        ("Here | Ann Moor", "Here | Ann Moon", REVIEW),
        ("Here | Jon Bell", "Here | Joan Bell", REVIEW),
        # letters set apart, signs, spellings
        ("A N X I E T Y | Ann", "Anxiety | Ann", MATCH),
        ("5 8 6 | Ann", "586 | Ann", MATCH),
        ("Soldier Side-Intro | Ann", "Soldier Side - Intro | Ann", MATCH),
        ("+ - 0 | Ann", "+-0 | Ann", MATCH),
        ("Oops!...I Did It Again | Ann", "Oops!... I Did It Again | Ann", MATCH),
        ("Song of Love | Ann & Ben & Friends", "Song of Love | Ann & Ben", MATCH),
        ("I Wanna Dance | Ann", "I Want to Dance | Ann", MATCH),
        ("Gonna Rain | Ann", "Going to Rain | Ann", MATCH),
        ("Whole Lotta Love | Ann", "Whole Lot of Love | Ann", MATCH),
        ("Whatcha Say | Ann", "What You Say | Ann", MATCH),
        ("D.O.A. (Death of Auto-Tune) | Ann | End", "D.O.A. | Ann | End", MATCH),
        ("D.O.A. (Dance or Anything) | Ann | End", "D.O.A. (Death of Auto-Tune) | Ann | End",
         DIFFERENT),
        ("S.O.S. (Anything but Love) | Ann | End", "S.O.S. | Ann | End", REVIEW),
        ("Sexy Bitch | Ann", "Sexy Chick | Ann", REVIEW),
        ("Fuck You | Ann", "Forget You | Ann", REVIEW),
        ("Love You | Ann", "Forget You | Ann", DIFFERENT),
        ("Сemetery Gates | Ann", "Cemetery Gates | Ann", MATCH),  # the first letter is Cyrillic
        ("F*****g Young | Ann", "Fucking Young | Ann", MATCH),
        ("Love - From Four Weddings And A Funeral | Ann", "Love | Ann", MATCH),
        # two scripts
        ("러시안 룰렛 Russian Roulette | Ann", "Russian Roulette | Ann", MATCH),
        ("러시안 룰렛 Russian Roulette | Ann", "Russian Doll | Ann", REVIEW),
        ("夜に駆ける Yoru ni Kakeru | Ann", "夜に駆ける | Ann", REVIEW),
        ("夜に駆ける Yoru ni Kakeru Remix | Ann", "夜に駆ける | Ann", DIFFERENT),
        ("夏 2 Summer | Ann", "夏 | Ann", DIFFERENT),
        ("もういいかい | Ann", "Mou Ii Kai | Ann", MATCH),
        ("もういいかい | Ann", "Mou 2 Kai | Ann", REVIEW),
        ("ゼロ | Ann", "Zero | Ann", MATCH),
        ("ビームがいいのに | Ann", "Beam ga ii no ni | Ann", REVIEW),
        ("عسلية | Ann", "3aslya | Ann", REVIEW),
        ("夏 2 | Ann", "Summer 3 | Ann", DIFFERENT),
        ("モミアゲRock | Ann", "Momiage Rock | Ann", MATCH),
        ("後來 | Ann", "后来 | Ann", MATCH),
        ("2DT | Ann", "2 Different Tears | Ann", REVIEW),
    ],
)  # fmt: skip
def test_compare_says(a: str, b: str, verdict: Verdict) -> None:
    comparison = compare(read_case(a), read_case(b))
    assert comparison.verdict is verdict, comparison.evidence
    assert compare(read_case(b), read_case(a)).verdict is verdict


@pytest.mark.parametrize(
    ("page", "verdict"),
    [
        ("Your Song | Ann Moor", MATCH),
        ("Your Song | Ann Moor featuring Ben Dale", REVIEW),
        ("Your Song | Ann Moor & Ben Dale", REVIEW),
        ("Your Song | Ann Moor and His Orchestra", MATCH),
    ],
)
def test_choose_doubts_a_page_that_names_another_act(page: str, verdict: Verdict) -> None:
    assert choose(read_case("Your Song | Ann Moor"), [read_case(page)]).verdict is verdict


@pytest.mark.parametrize(
    ("liked", "page"),
    [
        ("SugarCrash! (feat. Kim Petras) | ElyOtto; Kim Petras", "SugarCrash! | ElyOtto"),
        ("Can I (feat. Tory Lanez) | Kehlani; Tory Lanez", "Can I | Kehlani"),
        ("Gold Digger | Kanye West", "Gold Digger (feat. Jamie Foxx) | Kanye West; Jamie Foxx"),
    ],
)
def test_choose_leaves_a_guest_of_one_side_to_a_person(liked: str, page: str) -> None:
    assert compare(read_case(liked), read_case(page)).verdict is MATCH
    assert choose(read_case(liked), [read_case(page)]).verdict is REVIEW


def test_choose_holds_a_page_against_all_artists_of_the_list() -> None:
    wanted = read_case("Your Song | Ann Moor; Ben Dale")
    assert choose(wanted, [read_case("Your Song | Ann Moor & Ben Dale")]).verdict is MATCH
    assert choose(wanted, [read_case("Your Song | Ann Moor")]).verdict is MATCH
    other = [read_case("Your Song | Ann Moor & Ben Dale & Cy Hart")]
    assert choose(wanted, other).verdict is REVIEW
