"""The texts of `edgevoice bench echo`: the box's long answers, and the remarks of people who talk over it."""

_ANSWERS = """
Here is the forecast for today. The morning begins grey, with a little drizzle near the coast, and the wind turns to
the west before noon. In the afternoon the clouds break up, and by five o'clock most of the valley should see some
sun. The highest temperature will be nineteen degrees. Tonight it stays dry, with patches of fog along the river, so
take care if you drive early tomorrow.

For the pancakes you need two eggs, a quarter of a litre of milk, a hundred and twenty grams of flour and a pinch of
salt. Whisk the eggs with the milk first. Then add the flour, spoon by spoon, until nothing sticks to the bowl. Let
the batter rest for twenty minutes. Heat a little butter in the pan, pour in one ladle, and wait until the edge turns
golden before you flip it over. They taste best with lemon and sugar, or with apple sauce.

Once upon a time there was a lighthouse keeper who collected sounds. Every evening, when the lamp was lit, she opened
the window and listened. She kept the cry of a gull in a blue jar, and the creak of an old rowing boat in a tin that
had once held biscuits. One winter a storm took the roof off her shed, and all the jars rolled down the cliff into the
sea. For three days nobody in the village could sleep, because the waves whistled, hammered and sang. On the fourth
day she rowed out with a net, and one after the other she caught them again. Only the laughter of a child got away. It
lives out there still, and fishermen say that it brings good luck.

The moon has no light of its own. What we see is sunlight that falls on its surface and is thrown back to us. As it
travels around the earth, we look at the bright half from a different side each night, and so it seems to grow and to
shrink. A whole round takes about twenty nine and a half days. When the moon stands between us and the sun, the dark
half faces us, and we call that a new moon.

Let me explain how bread rises. Yeast is alive, and it feeds on the sugar that is hidden in flour. While it eats, it
gives off a gas. The dough is stretchy, so the gas cannot get out, and thousands of tiny bubbles blow it up like a
balloon. Warmth makes the yeast work faster, but too much heat kills it. That is why the oven ends the rising for
good, and turns the soft dough into a crust that you can tap with your knuckles.

Your calendar for Thursday looks quite full. At a quarter past eight there is the dentist, across from the post
office. From ten until half past eleven you have a call with the team in Oslo, and they would like to see the new
drawings. Lunch with Harriet is at one. In the afternoon nothing is planned, apart from picking up the bicycle before
the shop closes at six. You also wanted to be reminded of your uncle's birthday. He will be seventy.

To change the tyre, park on firm ground and pull the hand brake. Loosen the nuts by half a turn while the wheel still
stands on the road. Now place the jack under the frame and lift the car until the wheel is clear. Take off the nuts,
put them somewhere safe, and pull the wheel towards you. Push the spare one on, tighten every nut by hand, and lower
the car again. At last tighten them crosswise, as hard as you can, and check them once more after fifty kilometres.

Whales do not sleep the way we do. They have to come up to breathe, so one half of the brain stays awake while the
other half rests. Some of them hang upright in the water for a quarter of an hour, like a row of trees, and hardly
move at all. Nobody knew about that until a boat drifted into such a group one morning with its engine switched off.
"""

_REMARKS = """
Wait, that is not what I meant.
Okay, thank you, that's enough.
Can you tell me the temperature instead?
No, I was asking about tomorrow.
Hold on a moment, please.
Leave it, we will do that later.
Actually, play some music in the kitchen.
How long does it take to boil an egg?
Are you sure about the date?
Be quiet now, the baby is asleep.
Good, and what about the weekend?
I would rather hear the news.
My mother is calling, one minute.
Please speak a little more slowly.
When does the next train leave?
Excuse me, who wrote that book?
You already told me that yesterday.
Never mind, I found it myself.
Remind me of it at seven o'clock.
Do we have any milk left?
Stop, stop, go back to the beginning.
Turn the light off in the hall.
What was the name of that place again?
Alright, goodbye for now.
"""

ANSWERS = tuple(" ".join(paragraph.split()) for paragraph in _ANSWERS.strip().split("\n\n"))
"""The box's own answers: three and a half minutes in the local voice."""

REMARKS = tuple(_REMARKS.strip().splitlines())
"""What people say over an answer; none of it is the wake word."""
