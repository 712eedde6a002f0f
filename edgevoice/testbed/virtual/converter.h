// The works of the virtual sound card, without its ALSA face: a clock, a ring of frames, a tape. See pcm_edgevoice.c.
#pragma once

#include "room.h"
#include "tape.h"

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

// Absolute times for wake_application_at(): a timer set to the past is ready at once.
#define AT_ONCE 1ull
#define NEVER 0ull

// The fields of a microphone that hears a speaker; none of it when `path` is NULL.
struct hearing {
    char *path;
    char *response;
    long delay_us;
    double clip;
};

struct card {
    snd_pcm_ioplug_t io; // belongs to the application's thread, but for appl_ptr and state, which are read atomically
    char *tape_path;
    char *source_path;
    char *unplugged_path;
    long only_rate_hz;
    long microphones; // channels of a microphone
    int64_t drift_ppb;
    struct hearing hearing;
    int timer; // what the application polls
    int source;

    pthread_mutex_t lock; // guards all that follows
    pthread_cond_t closing;
    pthread_t clockwork;
    bool has_clockwork, is_closing, is_running, is_unplugged, has_xrun;

    int16_t *ring;
    snd_pcm_uframes_t ring_frames;
    snd_pcm_uframes_t boundary;    // alsa-lib counts frames modulo this
    snd_pcm_uframes_t wake_frames; // the application wants to be woken when so many are ready
    bool runs_free;    // a speaker that runs dry goes on round its ring: a stop threshold beyond the ring
    bool silences;     // what it has emitted becomes silence: a silence size beyond the ring
    uint64_t converted;            // frames since prepare: the hardware pointer

    int tape;
    struct tape_header *header; // mapped from the tape, or &off_tape when there is none
    struct tape_header off_tape;
    char partial_frame[2 * MOST_MICROPHONES]; // a writer may split a frame over two writes
    size_t partial_bytes;

    struct room *room; // NULL: hears no speaker
    bool is_held_up;   // by a speaker whose tape is late
};

// Hidden: an application that loads the plugin must not meet these names.
#pragma GCC visibility push(hidden)

struct card *new_card(void);
void release(struct card *card); // ends the clockwork, closes the tape, frees all

bool is_playback(const struct card *card);
bool is_plug_out(const struct card *card);

// All that follows: with the lock held.
bool is_draining(const struct card *card);
snd_pcm_uframes_t ready_frames(const struct card *card); // to be written, or to be read
void notice_unplug(struct card *card);
void advance(struct card *card); // bring the card to the present
int run_converter(struct card *card); // begins tape and clockwork when there are none yet
void stop_converter(struct card *card);
void wake_application_at(struct card *card, uint64_t when_ns);
void wake_application_after(struct card *card, snd_pcm_uframes_t frames); // so many more are converted

#pragma GCC visibility pop
