"""The local service's longer texts: stories, jokes, fixed sentences. Text only."""

HELP = "I can tell you the time and the date, change the volume, set and cancel a timer, and tell a story or a joke."
HELP_MEMORY = "I can remember something for you: say, remember that the bins go out on Monday."
HELP_PERSONAS = "And I can be somebody else: say, be a pirate, or talk slower."
NOT_UNDERSTOOD = "Sorry, I did not catch that. I know the time, the volume, timers and a story."
NOTHING_CANCELLED = "I have cancelled nothing. Say what to cancel, such as: cancel the timer."
NO_CLOCK = "I have no clock to look at."
NO_VOLUME = "I cannot change the volume here."
NO_RELATIVE_VOLUME = "I can only set the volume to a number, such as fifty percent."
NOTHING_TO_PLAY = "I cannot play that. I have no music, radio or news here."
NO_TIMERS = "I cannot set timers here."
TOOL_FAILED = "Sorry, that did not work."
DECLINED = "Okay, then I leave it."
MEMORY_FULL = "My memory is full. Ask me to forget something first."
GREETING = "Hello. How can I help?"

_LIGHTHOUSE = (
    "Once there was a small lighthouse that was afraid of the dark. "
    "Every evening, when the sun went down, it lit its lamp as quickly as it could. "
    "The gulls laughed about it, and the ships did not know. "
    "One night a thick fog rolled in from the sea. "
    "The lighthouse could not see the water, the rocks, or even its own front door. "
    "It trembled, but it kept its lamp burning, because that was the only thing it knew how to do. "
    "Far out in the grey, a little fishing boat had lost its way. "
    "Its captain was a girl called Mara, and she was afraid of the dark too. "
    "Then she saw a faint golden glow, turning slowly, like someone waving from a window. "
    "She steered towards it, past the rocks and into the quiet harbour. "
    "In the morning she climbed the hill and knocked on the lighthouse door. "
    "Thank you, she said. I was frightened, until I saw that you were awake. "
    "The lighthouse thought about that for a long time. "
    "It was still afraid of the dark, but now it knew what its fear was for. "
    "And from then on, when the evening came, it did not hurry any more. "
    "It lit its lamp slowly, the way you wave to a friend."
)
_CLOCK = (
    "In a town between two hills there lived a clock that was always seven minutes late. "
    "The baker complained, the teacher complained, and the mayor complained most of all. "
    "But the old clockmaker only smiled, and oiled its wheels, and left the hands alone. "
    "One winter morning the bridge below the town was covered with ice. "
    "The whole town would have crossed it at eight, on the way to the market. "
    "At eight o'clock, however, the clock said seven minutes to eight, so everybody finished their tea. "
    "In those seven minutes the sun came over the hill and shone upon the bridge. "
    "The ice cracked, and slid, and fell into the river with a splash. "
    "When the people arrived, the stones were wet and perfectly safe. "
    "Did you know about the ice, the mayor asked the clockmaker. "
    "No, she said, but I have noticed that most things get better if you give them seven minutes. "
    "After that nobody complained about the clock again. "
    "They called it kind, instead of late. "
    "And if you visit that town today, you should know that breakfast takes a little longer there."
)
STORIES = (_LIGHTHOUSE, _CLOCK)

JOKES = (
    "Why did the loudspeaker go to school? It wanted to sound clever.",
    "What did the ocean say to the beach? Nothing, it just waved.",
    "I told my clock a joke. It thought for a second, and then it ticked.",
    "Why do robots never get lost? They always follow their own program.",
    "What is a computer's favourite snack? Anything with chips.",
)
