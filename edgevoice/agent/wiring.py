"""Wiring: joins a link, both ends of the sound, a panel and tools into a conversation, for the box and for Agent."""

import random
import time
from dataclasses import dataclass

from edgevoice.agent.mailbox import Mailbox
from edgevoice.core.conversation.conversation import Conversation
from edgevoice.core.conversation.policy import Policy
from edgevoice.core.ports import FarEnd, NearEnd, Panel
from edgevoice.engine import Adapters, Engine
from edgevoice.realtime.link import Link
from edgevoice.tools.approver import Approver
from edgevoice.tools.registry import Registry
from edgevoice.tools.runner import ToolLimits, ToolRunner


@dataclass(frozen=True, slots=True)
class Ends:
    """Where the user's words come from, where the answer goes, and what shows the state: devices, or a program."""

    near_end: NearEnd
    far_end: FarEnd
    panel: Panel


@dataclass(frozen=True, slots=True)
class Toolset:
    """What the model may call, what a call may cost, and the language in which the user agrees to one."""

    registry: Registry
    limits: ToolLimits
    language: str


@dataclass(frozen=True, slots=True)
class Wired:
    """A conversation and everything that it needs; nothing in it runs yet."""

    mailbox: Mailbox
    engine: Engine
    conversation: Conversation
    link: Link
    tools: ToolRunner


def wire(mailbox: Mailbox, link: Link, ends: Ends, toolset: Toolset, policy: Policy, *, stall_s: float = 1.0) -> Wired:
    """Return the conversation, in the loop; from now on the mailbox delivers to it.

    A loop that notices a deadline more than ``stall_s`` seconds late has stalled.
    """
    approver = Approver(toolset.language, mailbox.report)
    tools = ToolRunner(toolset.registry, mailbox.report, toolset.limits, approver)
    conversation = Conversation(policy, random.random)
    adapters = Adapters(link, ends.near_end, ends.far_end, ends.panel, tools)
    engine = Engine(conversation, adapters, time.monotonic, [approver], stall_s=stall_s)
    mailbox.deliver_to(engine)
    return Wired(mailbox, engine, conversation, link, tools)
