"""The page in Debian's Chromium, at a phone's and a desktop's size, by day and by night.

What it looks like stays in `.ci/page`; `docs/page-*.png` are `phone-light`, `pair-phone` and `desktop-dark`, reduced to
64 colours by FFmpeg's `palettegen` and `paletteuse=dither=none`. axe-core looks for what people who use a screen
reader, a keyboard or little contrast would stumble over.
"""

import asyncio
import json
import math
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from edgevoice.commands.config_template import template
from edgevoice.control.client import Client
from edgevoice.core.conversation.noisy_room import Noise
from edgevoice.core.conversation.phases import Phase
from edgevoice.core.facts import (
    ItemHeard,
    NearSpeechBegan,
    NearSpeechConfirmed,
    PlaybackCut,
    PlaybackStarted,
    TalkPressed,
    UserStoppedSpeaking,
)
from edgevoice.core.light_frames import frame_at
from edgevoice.core.notices import (
    PhaseEntered,
    RingingBegan,
    RingingEnded,
    Role,
    SpeechHeeded,
    SpeechIgnored,
    TranscriptChanged,
)
from edgevoice.core.orders import CutPlayback, DuckPlayback, Light, ResumePlayback
from edgevoice.page.document import document
from tests.page.chromium import Tab, tab
from tests.page.conftest import AXE, PICTURES, needs_axe, needs_chromium
from tests.page.household import Household, Page, household, page_of
from tests.waiting import eventually

pytestmark = pytest.mark.long

FINDINGS = {
    "is_fine": True,
    "findings": [
        {"name": "microphone", "mark": "fine", "text": "hears speech at -38 dB"},
        {
            "name": "network",
            "mark": "doubtful",
            "text": "Wi-Fi at -74 dBm",
            "remedy": "Move the box nearer to the router.",
        },
        {"name": "sound", "mark": "skipped", "text": "not played", "remedy": "Run it without --quick."},
    ],
}
DOCTOR = (sys.executable, "-c", f"print({json.dumps(json.dumps(FINDINGS))})")

PHONE = (390, 844)
SMALL_PHONE = (320, 568)
DESKTOP = (1280, 900)

Scene = Callable[[Household, Page, Tab], Awaitable[None]]


def play(
    devtools: str,
    folder: Path,
    scene: Scene,
    size: tuple[int, int],
    *,
    is_dark: bool = False,
    is_paired: bool = True,
    is_furnished: bool = False,
) -> None:
    """Open the page in a tab, with a box and settings behind it; nothing in its console may be an error."""
    settings = folder / "edgevoice.toml"
    settings.write_text(template() + "# The owner's own last words.\n")

    async def played() -> None:
        async with (
            household(folder, examine=DOCTOR) as box,
            page_of(folder, box.place, settings=settings) as page,
            tab(devtools, width=size[0], height=size[1], is_dark=is_dark) as opened,
        ):
            if is_furnished:
                await furnish(box)
            if is_paired:
                await opened.set_cookie(f"{page.origin}/", page.pairings.add("Firefox/1"))
            await opened.go(f"{page.origin}/")
            await opened.until("document.querySelectorAll('#settings details').length > 10" if is_paired else "true")
            await scene(box, page, opened)
            assert opened.errors == []

    asyncio.run(played())


async def conversation(box: Household) -> None:
    """Let somebody interrupt an answer, with lights, level and score as in a real one."""
    box.sampled.lamps = [{"leds": [], "pixels": [list(each) for each in frame_at(12, Light.SPEAKING, "", 0.1)]}]
    box.show(Phase.SPEAKING, Light.SPEAKING)
    for role, item, text in (
        (Role.USER, "u1", "Hey Jarvis, how do I cook rice?"),
        (
            Role.ASSISTANT,
            "a1",
            "Rinse it first. Then take one and a half cups of water for each cup, bring it to the boil, and",
        ),
    ):
        box.notify(TranscriptChanged(role, item, text, is_final=True))
    box.notify(PlaybackStarted(1))
    for step in range(20):
        box.sampled.level_db = -40 + 12 * math.sin(step / 2)
        await asyncio.sleep(0.05)
    box.notify(NearSpeechBegan(16_000 - 800))
    await asyncio.sleep(0.03)
    box.notify(DuckPlayback())
    await asyncio.sleep(0.2)
    box.notify(NearSpeechConfirmed(16_000 - 4000), CutPlayback())
    box.notify(PlaybackCut((ItemHeard("a1", 0, 1980, 4000, is_complete=False),)))
    await asyncio.sleep(0.5)
    box.notify(UserStoppedSpeaking(), TranscriptChanged(Role.USER, "u2", "No, brown rice!", is_final=True))
    box.notify(TranscriptChanged(Role.ASSISTANT, "a2", "Brown rice takes forty minutes.", is_final=False))
    box.notify(PlaybackStarted(2))
    await asyncio.sleep(0.5)


async def furnish(box: Household) -> None:
    """Set timers and an alarm, and choose a persona."""
    async with Client(box.place) as client:
        await client.timers("set_timer", seconds=540, label="pasta")
        await client.timers("set_timer", seconds=3720)
        await client.timers("set_alarm", time="06:45", label="getting up")
        await client.personas("draft", name="captain", text='instructions = "Talk like a captain."\n')
        await client.personas("activate", name="pirate")


async def complaints(opened: Tab, *, only: str = "") -> list[str]:
    """Return what axe-core complains of, each with where."""
    await opened.run(await asyncio.to_thread(AXE.read_text))
    rules = json.dumps({"runOnly": [only]} if only else {})
    found = await opened.run(f"axe.run({rules}).then((found) => JSON.stringify(found.violations))")
    return [f"{each['id']}: {[node['html'][:120] for node in each['nodes']]}" for each in json.loads(found)]


def test_the_document_and_its_policy_agree() -> None:
    page = document()

    assert page.policy.count("sha256-") == 2
    assert b"/* style */" not in page.content
    assert len(page.content) < 100_000
    assert b" style=" not in page.content  # the policy forbids it
    assert b" onclick=" not in page.content


@needs_chromium
def test_a_phone_is_paired_with_the_keyboard_alone(devtools: str, tmp_path: Path) -> None:
    async def scene(box: Household, page: Page, opened: Tab) -> None:
        await opened.until("!document.querySelector('#pair').hidden")
        await opened.picture(PICTURES / "pair-phone.png")
        await opened.run("document.querySelector('#pair-begin').focus()")
        await opened.press("Enter")
        await eventually(lambda: box.presses._taker is not None)
        await opened.until("document.querySelector('.steps .current')?.id === 'pair-press'")
        box.presses.post(TalkPressed(0))
        await opened.until("document.activeElement.id === 'digits'")
        await opened.send("Input.insertText", text="000 000" if box.digits != "000000" else "111 111")
        await opened.press("Enter")
        assert "4 tries are left" in await opened.until("document.querySelector('#pair-news').innerText")
        await opened.send("Input.insertText", text=f"{box.digits[:3]} {box.digits[3:]}")
        await opened.press("Enter")
        await opened.until("!document.querySelector('#box').hidden")
        assert await opened.run("document.cookie") == ""  # no script can read it
        assert len(page.pairings.all()) == 1
        page.pairings.revoke(None)
        await opened.reload()
        await opened.until("document.querySelector('#pair-title')?.innerText === 'This pairing has ended'")
        assert "expired" in await opened.text("#pair-why")

    play(devtools, tmp_path, scene, PHONE, is_paired=False)


@needs_axe
@needs_chromium
@pytest.mark.parametrize(("size", "name"), [(PHONE, "phone"), (DESKTOP, "desktop")])
def test_everybody_can_use_the_page_and_it_fits(
    devtools: str, tmp_path: Path, size: tuple[int, int], name: str
) -> None:
    async def scene(box: Household, _page: Page, opened: Tab) -> None:
        await conversation(box)
        await opened.click("#examine")
        await opened.until("document.querySelectorAll('#findings li').length === 3")
        await opened.until("document.querySelectorAll('#barges li').length === 1")
        await opened.picture(PICTURES / f"{name}-light.png")
        await opened.click("[aria-label='Edit captain']")
        await opened.until("!document.querySelector('#persona-form').hidden")
        await opened.run("for (const each of document.querySelectorAll('details')) each.open = true")
        await opened.until("document.getAnimations().length === 0")
        assert await complaints(opened) == []
        assert await opened.run("document.documentElement.scrollWidth <= innerWidth"), "it is wider than the screen"
        assert await opened.run(
            "[...document.querySelectorAll('button, input, select, textarea')]"
            ".filter((each) => each.offsetParent && each.getBoundingClientRect().height < 24).length === 0"
        ), "something is too small for a finger"
        await opened.run("document.querySelector('#theme').click(); document.querySelector('#theme').click()")
        await opened.until("document.documentElement.dataset.theme === 'dark' && document.getAnimations().length === 0")
        assert await complaints(opened, only="color-contrast") == []
        await opened.run("for (const each of document.querySelectorAll('details')) each.open = false; scrollTo(0, 0)")
        await opened.picture(PICTURES / f"{name}-dark.png")

    play(devtools, tmp_path, scene, size, is_furnished=True)


@needs_axe
@needs_chromium
def test_everybody_can_pair(devtools: str, tmp_path: Path) -> None:
    async def scene(_box: Household, _page: Page, opened: Tab) -> None:
        await opened.until("!document.querySelector('#pair').hidden")
        assert await complaints(opened) == []
        await opened.picture(PICTURES / "pair-desktop.png")

    play(devtools, tmp_path, scene, DESKTOP, is_paired=False, is_dark=True)


@needs_chromium
def test_what_happens_is_shown_and_the_buttons_do_what_they_say(devtools: str, tmp_path: Path) -> None:
    async def scene(box: Household, _page: Page, opened: Tab) -> None:
        # The lights are exactly those of the box.
        box.sampled.lamps = [
            {"leds": ["listening"], "pixels": [[1, 1, 1]]},
            {"leds": ["status"], "pixels": [[0, 0, 0]]},
        ]
        await opened.until("document.querySelectorAll('#lights text').length === 2")
        lit = "[...document.querySelectorAll('#lights circle:nth-of-type(odd)')].map((each) => each.style.opacity)"
        assert await opened.run(lit) == ["0.75", "0"]
        await opened.click("#talk")
        await opened.until("document.querySelector('#phase').innerText === 'Listening'")
        assert box.facts == [TalkPressed(16_000)]
        await opened.click("#hang-up")
        await opened.until("document.querySelector('#phase').innerText === 'Ready'")
        await opened.click("#mute")
        await opened.until("document.querySelector('#mute').ariaPressed === 'true'")
        await opened.click("#mute")
        assert "may not open the microphone" in await opened.until("document.querySelector('#toasts').innerText")
        await opened.enter("volume", "30")
        await eventually(lambda: box.speaker.volume_percent == 30)
        # Words are text, whatever is in them.
        box.notify(TranscriptChanged(Role.USER, "u", "<img src=x onerror=alert(1)><b>loud</b>", is_final=True))
        await opened.until("document.querySelector('#words').innerText.includes('<b>loud</b>')")
        assert await opened.run("document.querySelectorAll('#words img, #words b').length") == 0
        failed = await opened.text("#failures")
        assert "No answer within 15 s; the service had accepted the session; the network was up." in failed
        assert "The microphone delivered only silence." in failed
        # In the next session, an item of the same name is another one.
        box.notify(PhaseEntered(Phase.CONNECTING))
        box.notify(TranscriptChanged(Role.USER, "u", "and now", is_final=True))
        await opened.until("document.querySelector('#words').innerText.includes('and now')")
        assert "<b>loud</b>" in await opened.text("#words")
        # Timers and alarms
        await opened.type("#timer-label", "pasta")
        await opened.run("document.querySelector('#timer-form').requestSubmit()")
        await opened.until("document.querySelector('#timers').innerText.includes('pasta')")
        await opened.click("[aria-label='+1 min for pasta']")
        await opened.until("/1[01]:[0-9]{2}/.test(document.querySelector('#timers .left').innerText)")
        await opened.click("[aria-label='Pause pasta']")
        await opened.until("document.querySelector('#timers').innerText.includes('paused')")
        await opened.until("document.querySelector('#next').hidden")
        await opened.click("[aria-label='Resume pasta']")
        await opened.until("!document.querySelector('#timers').innerText.includes('paused')")
        await opened.click("[aria-label='Cancel pasta']")
        await opened.until("document.querySelectorAll('#timers li').length === 0")
        # Personas: draft, activate, undo
        await opened.type("#persona-name", "captain")
        await opened.run("document.querySelector('#persona-new').requestSubmit()")
        await opened.until("!document.querySelector('#persona-form').hidden")
        await opened.type("#persona-text", 'instructions = "Aye."')
        await opened.run("document.querySelector('#persona-form').requestSubmit()")
        await opened.until("document.querySelector('#personas').innerText.includes('a draft waits')")
        await opened.click("[aria-label='Activate captain']")
        await opened.until(
            "document.querySelector('#personas .in-force')?.parentElement.innerText.startsWith('captain')"
        )
        await opened.click("#persona-undo")
        await opened.until(
            "document.querySelector('#personas .in-force')?.parentElement.innerText.startsWith('default')"
        )

    play(devtools, tmp_path, scene, PHONE)


@needs_chromium
def test_of_two_alarms_that_look_alike_only_the_one_whose_button_was_pressed_is_cancelled(
    devtools: str, tmp_path: Path
) -> None:
    async def scene(_box: Household, _page: Page, opened: Tab) -> None:
        await opened.run("for (const _ of 'ab') document.querySelector('#alarm-form').requestSubmit()")
        await opened.until("document.querySelectorAll('#timers li').length === 2")
        await opened.click("[aria-label='Cancel Alarm at 07:00']")
        await opened.until("document.querySelectorAll('#timers li').length === 1")

    play(devtools, tmp_path, scene, PHONE)


@needs_chromium
def test_a_small_phone_need_not_scroll_sideways(devtools: str, tmp_path: Path) -> None:
    async def scene(box: Household, _page: Page, opened: Tab) -> None:
        await conversation(box)
        await opened.run("for (const each of document.querySelectorAll('details')) each.open = true")
        assert await opened.run("document.documentElement.scrollWidth") == SMALL_PHONE[0]

    play(devtools, tmp_path, scene, SMALL_PHONE, is_furnished=True)


@needs_chromium
def test_the_names_of_the_sections_do_not_run_into_each_other_on_any_phone(devtools: str, tmp_path: Path) -> None:
    async def scene(_box: Household, _page: Page, opened: Tab) -> None:
        for width in range(320, 440, 10):
            size = {"width": width, "height": 740, "deviceScaleFactor": 1, "mobile": True}
            await opened.send("Emulation.setDeviceMetricsOverride", **size)
            await opened.until(f"innerWidth === {width}")
            assert await opened.run(
                "[...document.querySelectorAll('#tabs a')].every((tab) => tab.scrollWidth <= tab.clientWidth)"
            ), width

    play(devtools, tmp_path, scene, SMALL_PHONE)


@needs_chromium
def test_what_rings_and_what_rings_next_are_on_a_phones_first_screen(devtools: str, tmp_path: Path) -> None:
    async def scene(box: Household, _page: Page, opened: Tab) -> None:
        # "pasta" is set for 9 minutes, another timer for an hour; a fast machine is here within the first second.
        assert (await opened.until("document.querySelector('#next').innerText")).startswith(
            ("pasta: 9:00", "pasta: 8:5")
        )
        assert await opened.run("document.querySelector('#next').getBoundingClientRect().bottom < innerHeight")
        box.notify(RingingBegan())
        box.show(Phase.IDLE, Light.RINGING)
        await opened.until("!document.querySelector('#ringing').hidden")
        place = "document.querySelector('#%s').getBoundingClientRect()"
        for button in ("ring-stop", "ring-snooze", "talk"):
            assert await opened.run(f"{place % button}.top > 0 && {place % button}.bottom < innerHeight - 60"), button
        await opened.picture(PICTURES / "phone-ringing.png")
        box.notify(RingingEnded())
        await opened.until("document.querySelector('#ringing').hidden")
        cards = [f"{each}-card" for each in ("words", "timers", "barge", "personas", "settings", "health")]
        tops = [await opened.run(f"{place % each}.top") for each in cards]
        assert tops == sorted(tops), "the cards stand in the Tab key's order"
        await opened.click("[aria-label='Cancel pasta']")
        await opened.until("document.querySelector('#next').innerText.startsWith('Timer: 1:0')")

    play(devtools, tmp_path, scene, PHONE, is_furnished=True)


@needs_chromium
def test_a_noisy_room_and_an_answer_that_goes_on_after_a_false_interruption_are_said(
    devtools: str, tmp_path: Path
) -> None:
    async def scene(box: Household, _page: Page, opened: Tab) -> None:
        meaning, answer = "document.querySelector('#meaning').innerText", "document.querySelector('#words .assistant')"
        box.show(Phase.SPEAKING, Light.SPEAKING)
        box.notify(TranscriptChanged(Role.ASSISTANT, "a1", "Rinse the rice first.", is_final=True))
        box.notify(CutPlayback(), PlaybackCut((ItemHeard("a1", 0, 1980, 4000, is_complete=False),)))
        await opened.until(f"{answer}?.innerText.endsWith('interrupted after 2.0 s')")
        box.notify(TranscriptChanged(Role.ASSISTANT, "a1", "Rinse the rice first. Then boil it.", is_final=True))
        await opened.until(f"/boil it.\\s*interrupted after 2.0 s$/.test({answer}?.innerText)")
        box.notify(ResumePlayback())
        await opened.until(f"{answer}?.innerText.endsWith('interrupted after 2.0 s; nobody had spoken, so it went on')")
        box.notify(SpeechIgnored(Noise(ducks=0, false_cuts=2, is_loud=False)))
        await opened.until(f"{meaning}.startsWith('Too loud here')")
        await opened.picture(PICTURES / "phone-noisy.png")
        await opened.reload()
        await opened.until(f"{meaning}.startsWith('Too loud here')")
        box.notify(SpeechHeeded())
        await opened.until(f"{meaning}.startsWith('Answering')")

    play(devtools, tmp_path, scene, PHONE)


@needs_chromium
def test_settings_give_their_error_lines_as_they_are_typed_and_keep_the_owners_comments(
    devtools: str, tmp_path: Path
) -> None:
    async def scene(_box: Household, _page: Page, opened: Tab) -> None:
        before = (tmp_path / "edgevoice.toml").read_text()
        await opened.enter("setting-service.speed", "9")
        await opened.until("document.querySelectorAll('.setting.refused').length === 1")
        line = "edgevoice.toml: service.speed is 9; it must be between 0.5 and 1.5"
        assert (await opened.text("#settings-news")).startswith(line)
        assert await opened.run("document.querySelector('#settings-save').disabled")
        assert (tmp_path / "edgevoice.toml").read_text() == before
        await opened.enter("setting-service.speed", "1.2")
        await opened.until("!document.querySelector('.setting.refused')")
        await opened.click("#settings-save")
        await opened.until("document.querySelector('#toasts').innerText.includes('Saved')")
        after = (tmp_path / "edgevoice.toml").read_text()
        assert after.replace("speed = 1.2\n", "", 1) == before
        assert "# speed = 1.0\nspeed = 1.2\n" in after
        # The key can be neither read nor set here.
        await opened.run("for (const each of document.querySelectorAll('details')) each.open = true")
        for name in ("service.key_file", "service.url", "mcp.servers"):
            row = f"document.querySelector('[data-name=\"{name}\"]')"
            assert await opened.run(f"{row}.querySelectorAll('input, select, textarea, button').length") == 0
        await opened.enter("settings-search", "quiet")
        assert (
            await opened.run("[...document.querySelectorAll('.setting')].filter((each) => each.offsetParent).length")
            < 8
        )

    play(devtools, tmp_path, scene, DESKTOP)


@needs_chromium
def test_a_barge_in_is_drawn_as_it_happens(devtools: str, tmp_path: Path) -> None:
    async def scene(box: Household, _page: Page, opened: Tab) -> None:
        await conversation(box)
        said = await opened.until("document.querySelector('#barges')?.innerText")
        assert "lowered after" in said
        assert "cut after" in said
        assert "1,980 ms heard" in said
        assert await opened.run("document.querySelector('.said-cut small').innerText") == "interrupted after 2.0 s"
        coloured = """(() => {
          const canvas = document.querySelector('#%s');
          const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
          const colours = new Set();
          for (let at = 0; at < data.length; at += 4) {
            if (data[at + 3] > 250) colours.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
          }
          return colours.size;
        })()"""
        assert await opened.run(coloured % "timeline") >= 4  # answer, lowered, you, cut
        assert await opened.run(coloured % "close-up-picture") >= 4
        moving = "document.querySelector('#timeline').toDataURL().length"
        pictures = set()
        for _ in range(5):
            pictures.add(await opened.run(moving))
            await asyncio.sleep(0.1)
        assert len(pictures) > 1

    play(devtools, tmp_path, scene, PHONE)


@needs_chromium
def test_everything_is_reached_with_the_tab_key_in_its_order(devtools: str, tmp_path: Path) -> None:
    async def scene(_box: Household, _page: Page, opened: Tab) -> None:
        seen: list[str] = []
        outlines: list[str] = []
        for _ in range(8):
            await opened.press("Tab")
            seen.append(str(await opened.run("document.activeElement.id || document.activeElement.className")))
            outlines.append(str(await opened.run("getComputedStyle(document.activeElement).outlineStyle")))
        assert seen[:-1] == ["skip", "theme", "talk", "mute", "volume", "timer-minutes", "timer-label"]
        assert set(outlines) == {"solid"}

    play(devtools, tmp_path, scene, DESKTOP)
