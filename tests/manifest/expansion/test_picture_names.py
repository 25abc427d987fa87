"""Names of pictures as people write them: found where they name a file, and answered with what to write otherwise."""

from __future__ import annotations

import os
import unicodedata
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batchvid.manifest.expansion.image_files import ImageCache
from batchvid.manifest.expansion.image_hints import unmatched_pattern
from batchvid.manifest.expansion.path_matching import expand_braces, matching
from tests.manifest.conftest import Mistakes, Specs, Write
from tests.sample_pictures import encoded, noise

PICTURE = encoded(noise((40, 30)))
ROWS = 'clips: [{id: "{{ sku }}", model: m, prompt: p, rows: t.csv, image: "{{ shot }}"}]\n'
COMPOSED, DECOMPOSED = "café.png", unicodedata.normalize("NFD", "café.png")


def found(name: str, folder: str = ".") -> str:
    """The path of the file that the name finds, relative to this folder."""
    return Path(ImageCache().find(name, (Path(folder),)).source).relative_to(Path.cwd()).as_posix()


def refusal(name: str, folder: str = ".") -> str:
    """What is said of a name."""
    with pytest.raises(ValueError) as raised:
        ImageCache().find(name, (Path(folder),))
    return str(raised.value)


@pytest.mark.parametrize(("on_disk", "written"), [(COMPOSED, DECOMPOSED), (DECOMPOSED, COMPOSED)])
def test_letters_match_in_any_unicode_form(write: Write, specs: Specs, on_disk: str, written: str) -> None:
    """A Mac decomposes the names of files, a spreadsheet composes them; the same for folders and patterns."""
    write(f"{on_disk.removesuffix('.png')}/{on_disk}", PICTURE)
    folder, name = written.removesuffix(".png"), written
    assert unicodedata.normalize("NFC", found(f"{folder}/{name}")) == "café/café.png"
    assert len(matching(f"{folder}/c*é.png", Path())) == len(matching(f"{folder}/{name}", Path())) == 1
    write("t.csv", f"sku,shot\ns1,{folder}/{name}\n")
    assert len(specs(ROWS)["s1"].request.images) == 1


def test_the_exact_name_wins(write: Write) -> None:
    """Where a folder has both forms, each name means itself."""
    write(COMPOSED, PICTURE)
    write(DECOMPOSED, encoded(noise((41, 30))))
    if len(list(Path().iterdir())) < 2:
        pytest.skip("this file system has one form only")
    assert [ImageCache().find(name, (Path(),)).picture.width for name in (COMPOSED, DECOMPOSED)] == [40, 41]


def test_backslashes_separate_folders_where_they_name_a_file(write: Write) -> None:
    """It names exactly that file; a file with a backslash in its name wins."""
    write("pictures/a.png", PICTURE)
    assert found("pictures\\a.png") == "pictures/a.png"
    assert matching("pictures\\*.png", Path()) == ["pictures/a.png"]
    assert "did you mean pictures/a.png?" in refusal("pictures\\A.png")


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("pictures/kite", "did you mean pictures/kite.jpg?"),
        ("pictures/KITE.JPG", "did you mean pictures/kite.jpg?"),
        ("Pictures/Kite.jpg", "did you mean pictures/kite.jpg?"),
        ("pictures/kite.png", "did you mean pictures/kite.jpg?"),
        ("pictures/boat", "did you mean pictures/boat.jpg or pictures/boat.png?"),
        ("pictures/kiet.jpg", "did you mean pictures/kite.jpg?"),
        ("pictures/redmug.jpg", "did you mean pictures/red mug.jpg?"),
        ("kite.jpg", "did you mean pictures/kite.jpg?"),
        ("photos/kite.jpg", "there is no folder photos; did you mean pictures/kite.jpg?"),
        ("photos/x.jpg", "there is no folder photos"),
        ("pictures/zebra.jpg", "pictures has boat.jpg, boat.png, kite.jpg, red mug.jpg"),
        ("pictures", "pictures is a folder: name one of its files, or write images: pictures/* for a clip of each"),
        ('"pictures/kite.jpg"', "write it without the quotes: pictures/kite.jpg"),
        ("\u201cpictures/kite.jpg\u201d", "write it without the quotes: pictures/kite.jpg"),
        ("C:\\Users\\Me\\kite.jpg", "this is a path of a Windows machine: write pictures/kite.jpg"),
        (
            "D:/shots/x.jpg",
            "this is a path of a Windows machine: copy the picture beside the manifest and write x.jpg",
        ),
        ("~/kite.jpg", f"~ is not expanded here: write {Path('~/kite.jpg').expanduser()}"),
        ("www.example.com/kite.jpg", "for an address write https://www.example.com/kite.jpg"),
        ("cdn.example.com/kite.jpg", "for an address write https://cdn.example.com/kite.jpg"),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="other systems' paths")
def test_a_name_that_finds_nothing_gets_a_hint(write: Write, written: str, hint: str) -> None:
    """What is there instead, and never another file in silence."""
    for name in ("kite.jpg", "boat.jpg", "boat.png", "red mug.jpg", ".hidden.jpg", "notes.txt"):
        write(f"pictures/{name}", PICTURE)
    message = refusal(written)
    assert message.startswith(f"there is no file {written}; it was looked for at ")
    assert message.endswith(f"; {hint}")


@pytest.mark.parametrize(
    ("link", "hint"),
    [
        ("file:///shots/a%20b.jpg", "is an address of this machine: write the path, /shots/a b.jpg"),
        ("file:///C:/shots/a.jpg", "is an address of this machine: write the path, C:/shots/a.jpg"),
        ("http://cdn.example.com/a.jpg", "is not encrypted: write https://cdn.example.com/a.jpg, if the server has it"),
        ("HTTP://cdn.example.com/a.jpg", "is not encrypted: write https://cdn.example.com/a.jpg, if the server has it"),
        ("//cdn.example.com/a.jpg", "has no scheme: write https://cdn.example.com/a.jpg"),
        ("https://cdn.example.com/a b.jpg", "has a space in it: write https://cdn.example.com/a%20b.jpg"),
        ("https://cdn.example.com/a b%2F.jpg?x=1", "has a space in it: write https://cdn.example.com/a%20b%2F.jpg?x=1"),
        ("data:image/png;base64,xx", "holds the picture itself: save it as a file beside the manifest, and"),
        ("https://drive.google.com/file/d/1abc/view?usp=sharing", "is a page of Google Drive, not a picture: download"),
        ("https://www.dropbox.com/s/x/a.jpg?dl=0", "write https://www.dropbox.com/s/x/a.jpg?raw=1"),
        ("https://www.dropbox.com/s/x/a.jpg", "write https://www.dropbox.com/s/x/a.jpg?raw=1"),
        ("https://1drv.ms/i/s!x", "is a page of OneDrive, not a picture"),
        ("https://photos.app.goo.gl/x", "is a page of Google Photos, not a picture"),
    ],
)
def test_a_link_that_no_vendor_can_fetch_gets_a_hint(link: str, hint: str) -> None:
    """Before it is paid for."""
    message = refusal(link)
    assert message.startswith(link)
    assert hint in message


@pytest.mark.parametrize(
    "link",
    [
        "https://cdn.example.com/a.jpg?w=100&h=200#x",
        "https://cdn.example.com/%E2%82%AC.jpg",
        "https://www.dropbox.com/s/x/a.jpg?raw=1",
        "https://drive.google.com/uc?export=download&id=1abc",
        "HTTPS://CDN.example.com/a.jpg",
    ],
)
def test_a_link_to_a_picture_is_passed_on(link: str) -> None:
    """Byte for byte."""
    assert ImageCache().find(link, (Path(),)).source == link


def test_braces_and_lists(write: Write, specs: Specs) -> None:
    """A file that fits two patterns is taken once; the patterns give the order."""
    for name in ("a.jpg", "b.png", "c.webp", "d.gif"):
        write(f"p/{name}", PICTURE)
    assert matching("p/*.{jpg,png}", Path()) == ["p/a.jpg", "p/b.png"]
    assert matching("{p,q}/{a,b}.*", Path()) == ["p/a.jpg", "p/b.png"]
    ids = [
        list(specs(f"clips: [{{id: k, model: m, prompt: p, images: {images}}}]\n"))
        for images in ("['p/*.png', 'p/*.{jpg,png}', './p/b.png']", "'p/*.{jpg,png}'", "['p/*.webp']")
    ]
    assert ids == [["k_b", "k_a"], ["k_a", "k_b"], ["k_c"]]


def test_braces_that_explode_are_refused() -> None:
    """A hundred million patterns are a mistake."""
    with pytest.raises(ValueError, match="has braces for more than 1,000 patterns"):
        matching("{a,b,c,d,e,f,g,h,i,j}" * 8, Path())
    assert expand_braces("{x}/{{ a }}") == ["{x}/{{ a }}"]


def test_brackets_mean_themselves_where_nothing_else_fits(write: Write) -> None:
    """A pattern wins; a name with brackets is found all the same, also beside wildcards."""
    write("p/[shoes].jpg", PICTURE)
    assert matching("p/[shoes].jpg", Path()) == ["p/[shoes].jpg"]
    assert matching("p/[shoes]*", Path()) == ["p/[shoes].jpg"]
    write("p/s.jpg", PICTURE)
    assert matching("p/[shoes].jpg", Path()) == ["p/s.jpg"]
    assert found("p/[shoes].jpg") == "p/[shoes].jpg"
    write("p/{a,b}[c].jpg", PICTURE)
    assert matching("p/{a,b}[c].jpg", Path()) == ["p/{a,b}[c].jpg"]


def test_files_that_systems_make_are_left_out(write: Write) -> None:
    """Windows hides them, as a dot does elsewhere."""
    for name in ("a.jpg", "Thumbs.db", "desktop.ini", ".DS_Store"):
        write(f"p/{name}", PICTURE)
    assert matching("p/*", Path()) == ["p/a.jpg"]


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("pictures", "pictures is a folder: write pictures/*"),
        ("pictures/*.jpg", "pictures has a.png, b.PNG"),
        ("Pictures/*.jpg", "pictures has a.png, b.PNG"),
        ("picture/*.png", "there is no folder picture; did you mean pictures?"),
        ("*.png", "the folder has the folders empty, hidden, pictures: write **/*.{jpg,png} to look into them"),
        ("empty/*.png", "empty has no pictures"),
        ("hidden/*.png", "hidden has hidden pictures only, which no pattern matches"),
    ],
)
def test_a_pattern_that_matches_nothing_gets_a_hint(write: Write, mistakes: Mistakes, pattern: str, hint: str) -> None:
    """What is there instead."""
    for name in ("pictures/a.png", "pictures/b.PNG", "empty/notes.txt", "hidden/.a.png"):
        write(name, PICTURE)
    (problem,) = mistakes(f"clips: [{{id: k, model: m, prompt: p, images: '{pattern}'}}]\n")
    assert f"no file matches {pattern}; it was looked for below " in problem
    assert problem.endswith(f"; {hint}")


def test_equal_names_in_two_folders(write: Write, specs: Specs, mistakes: Mistakes) -> None:
    """The message names both files, and the variable that tells them apart."""
    for name in ("a/1.png", "b/1.png", "c/2.png", "c/2.jpg"):
        write(name, PICTURE)
    text = "clips: [{id: %s, model: m, prompt: p, images: '%s'}]\n"
    (problem,) = mistakes(text % ("k", "[ab]/*.png"))
    assert problem.endswith('from a/1.png and b/1.png; write id: "k_{{ image_folder }}_{{ image_name }}"')
    assert list(specs(text % ("'k-{{ image_folder }}'", "[ab]/*.png"))) == ["k-a_1", "k-b_1"]
    (problem,) = mistakes(text % ("k", "c/*"))
    assert "c/2.jpg" in problem
    assert "c/2.png" in problem
    assert "{{ image_name }}" in problem
    assert list(specs(text % ("'k-{{ image_name }}'", "c/*"))) == ["k-2.jpg", "k-2.png"]


def test_a_variable_of_the_manifest_keeps_its_name(write: Write, specs: Specs) -> None:
    """`image_folder` is new: a manifest that has such a variable of its own means that one."""
    write("a/1.png", PICTURE)
    text = "vars: {image_folder: mine}\nclips: [{id: 'k', model: m, prompt: '{{ image_folder }}', images: 'a/*'}]\n"
    assert specs(text)["k_1"].request.prompt == "mine"


@pytest.fixture
def outside(write: Write, tmp_path: Path) -> Path:
    """A folder beside the manifest's, with a picture; the manifest is in `job`."""
    write("job/in.png", PICTURE)
    write("shared/out.png", PICTURE)
    os.chdir(tmp_path / "job")
    return tmp_path / "shared"


@pytest.mark.parametrize("cell", ["../shared/out.png", "{outside}/out.png", "link/out.png", "link.png"])
def test_a_row_names_no_picture_outside(
    write: Write, specs: Specs, mistakes: Mistakes, outside: Path, cell: str
) -> None:
    """Neither by .. nor by an absolute path, nor by a symbolic link: a shared sheet must not send any file."""
    Path("link").symlink_to(outside)
    Path("link.png").symlink_to(outside / "out.png")
    write("t.csv", f"sku,shot\ns1,{cell.format(outside=outside)}\n")
    (problem,) = mistakes(ROWS)
    assert f" is {outside}/out.png, outside the manifest's folder: a row may name only pictures below it." in problem
    assert f"write in the manifest: images_from: ['{outside}'] (t.csv:" in problem
    for more in (
        f"images_from: ['{outside}']\n{ROWS}",
        f"images_from: ../shared\n{ROWS}",
        f"images_from: [link]\n{ROWS}",
    ):
        assert list(specs(more)) == ["s1"]
    assert list(specs(ROWS.replace("model: m", "model: m, images_from: ../shared"))) == ["s1"]


def test_what_the_manifest_writes_may_lie_anywhere(write: Write, specs: Specs, outside: Path) -> None:
    """A path of its own, and the folder that it writes before a row's cell; but not above that folder."""
    write("t.csv", "sku,shot\ns1,out.png\n")
    for image in ("../shared/out.png", f"{outside}/out.png", "../shared/{{ shot }}", f"{outside}/{{{{ shot }}}}"):
        assert list(specs(ROWS.replace("{{ shot }}", image))) == ["s1"]
    assert list(specs(f"clips: [{{id: k, model: m, image: '{outside}/out.png'}}]\n")) == ["k"]


def test_a_row_does_not_climb_out_of_the_folder_that_the_manifest_writes(
    write: Write, mistakes: Mistakes, outside: Path
) -> None:
    """`../shared/` allows what is below it."""
    write("../secret.png", PICTURE)
    write("t.csv", "sku,shot\ns1,../secret.png\n")
    (problem,) = mistakes(ROWS.replace("{{ shot }}", "../shared/{{ shot }}"))
    assert f" is {outside.parent}/secret.png, outside the manifest's folder" in problem


NAMES = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            [*"*?[]{},\\.~é", "p/", "/p", "a", "p", "kite.png", "C:", "//", "https:", "[!", "[z-a]", "e\u0301"]
        ),
        max_size=12,
    ).map("".join),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES)
def test_every_name_and_pattern_is_answered(write: Write, name: str) -> None:
    """A file, or one line for the user; never a crash, and never another file."""
    write("p/kite.png", PICTURE)
    write("p/café/kite.png", PICTURE)
    cache = ImageCache()
    for folder in (Path(), Path("p")):
        with suppress(ValueError):
            source = cache.find(name, (folder,)).source
            assert source.casefold().startswith(("https:", str(Path.cwd()).casefold()))
        with suppress(ValueError):
            names = matching(name, folder)
            assert names or unmatched_pattern(name, folder).startswith("no file matches ")
            assert all((folder / one).is_file() for one in names)


def test_many_missing_names_are_answered_in_time(write: Write, mistakes: Mistakes) -> None:
    """A column of the wrong folder: a thousand rows cost about what one hundred cost."""
    for number in range(50):
        write(f"p/{number}.png", b"")
    write("t.csv", "sku,shot\n" + "".join(f"s{n},q/picture {n}.png\n" for n in range(1000)))
    problems = mistakes(ROWS)
    assert len(problems) == 51
    assert problems[-1].endswith("and 950 more problems here")
