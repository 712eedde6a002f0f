// A room: what a virtual microphone hears of the virtual speaker. See pcm_edgevoice.c for its fields.
#pragma once

#include "tape.h"

#include <stddef.h>
#include <stdint.h>

#define ROOM_RATE_HZ 16000
#define MOST_TAPS 4000

// The kernel that turns the speaker's rate into the microphone's looks 2.67 ms ahead; the rest of the shortest delay is for
// the speaker's thread, which brings its tape to the present every 2 ms. A shorter delay would need samples from the future.
#define SHORTEST_DELAY_US 5000
#define LONGEST_DELAY_US 1000000

struct room;

#pragma GCC visibility push(hidden)

// Returns NULL and sets errno when the response cannot be read, or is none. `clip` of 0: a loudspeaker without limits.
struct room *new_room(const char *hears, const char *response, uint64_t delay_us, double clip);
void free_room(struct room *room);

// Prepares the echo of up to `wanted` frames that follow near->frames; returns of how many. 0: the speaker plays, and its
// tape does not reach so far yet, so the microphone has to wait too.
size_t listen_to_speaker(struct room *room, const struct tape_header *near, size_t wanted);

// Adds what listen_to_speaker() prepared, all of it or its beginning.
void add_echo(struct room *room, int16_t *place, uint32_t channels, size_t frames);

// To be called once a tick: the room notices when a speaker that seems to play is dead, and waits for it no longer.
void count_tick(struct room *room);

#pragma GCC visibility pop
