// The works of the virtual sound card: brings ring and tape to the present, by the clock. Never calls alsa-lib but to log.

#include "converter.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS 1000000000ull
#define MOST_TAPES 10000

// The header's age, the notice of an unplug and the age of what is read from the FIFO are bounded by this; the hardware
// pointer is not, it is computed whenever the application asks.
#define TICK_NS 2000000ull

// --- time -------------------------------------------------------------------------------------------------------------

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NANOSECONDS + (uint64_t)now.tv_nsec;
}

static struct timespec moment(uint64_t ns)
{
    return (struct timespec){ .tv_sec = (time_t)(ns / NANOSECONDS), .tv_nsec = (long)(ns % NANOSECONDS) };
}

// Seconds and the rest apart: nanoseconds times 48000 overflow 64 bits after four days.
static uint64_t frames_in(uint64_t elapsed_ns, uint64_t rate_hz)
{
    return elapsed_ns / NANOSECONDS * rate_hz + elapsed_ns % NANOSECONDS * rate_hz / NANOSECONDS;
}

// Rounded up: at this time of the card's clock, and not a nanosecond before it, frames_in() gives so many frames.
static uint64_t duration_ns(uint64_t frames, uint64_t rate_hz)
{
    return frames / rate_hz * NANOSECONDS + (frames % rate_hz * NANOSECONDS + rate_hz - 1) / rate_hz;
}

// What the card's own clock has counted when CLOCK_MONOTONIC has counted so much.
static uint64_t card_ns(const struct tape_header *header, uint64_t elapsed_ns)
{
    int64_t seconds = (int64_t)(elapsed_ns / NANOSECONDS), rest_ns = (int64_t)(elapsed_ns % NANOSECONDS);
    int64_t ahead_ns = seconds * header->drift_ppb + rest_ns * header->drift_ppb / (int64_t)NANOSECONDS;
    return elapsed_ns + (uint64_t)ahead_ns;
}

// The other way round: each turn makes the error smaller by the drift, a thousandth at most.
static uint64_t monotonic_ns(const struct tape_header *header, uint64_t wanted_ns)
{
    uint64_t elapsed = wanted_ns;
    for (int turn = 0; turn < 8; turn++)
        elapsed -= card_ns(header, elapsed) - wanted_ns;
    while (card_ns(header, elapsed) < wanted_ns)
        elapsed++;
    return elapsed;
}

void wake_application_at(struct card *card, uint64_t when_ns)
{
    struct itimerspec alarm = { .it_value = moment(when_ns) };
    timerfd_settime(card->timer, TFD_TIMER_ABSTIME, &alarm, NULL);
}

// --- the ring ---------------------------------------------------------------------------------------------------------

bool is_playback(const struct card *card)
{
    return card->io.stream == SND_PCM_STREAM_PLAYBACK;
}

static size_t frame_bytes(const struct card *card)
{
    return sizeof(int16_t) * card->header->channels;
}

static char *ring_at(const struct card *card, uint64_t frame)
{
    return (char *)card->ring + frame % card->ring_frames * frame_bytes(card);
}

// Frames between the application and the converter: written and not yet played, or captured and not yet read. The
// application's pointer is alsa-lib's own, so commits through mmap and rewinds are seen without a call to this plugin.
//
// None when the hardware is ahead of the application, as that of a stream that runs free is.
static snd_pcm_uframes_t held_frames(const struct card *card)
{
    snd_pcm_uframes_t application = __atomic_load_n(&card->io.appl_ptr, __ATOMIC_ACQUIRE) % card->boundary;
    snd_pcm_uframes_t hardware = card->converted % card->boundary;
    snd_pcm_uframes_t from = is_playback(card) ? hardware : application;
    snd_pcm_uframes_t to = is_playback(card) ? application : hardware;
    snd_pcm_uframes_t held = to >= from ? to - from : to + (card->boundary - from);
    return held <= card->boundary / 2 ? held : 0;
}

static snd_pcm_uframes_t free_frames(const struct card *card)
{
    snd_pcm_uframes_t held = held_frames(card);
    return held < card->ring_frames ? card->ring_frames - held : 0;
}

snd_pcm_uframes_t ready_frames(const struct card *card)
{
    return is_playback(card) ? free_frames(card) : held_frames(card);
}

bool is_draining(const struct card *card)
{
    return __atomic_load_n(&card->io.state, __ATOMIC_RELAXED) == SND_PCM_STATE_DRAINING;
}

// The application's own reads and writes only make the moment later, and then it polls, and is asked, again.
void wake_application_after(struct card *card, snd_pcm_uframes_t frames)
{
    struct tape_header *header = card->header;
    uint64_t when_ns = header->start_ns + monotonic_ns(header, duration_ns(header->frames + frames, header->rate_hz));
    // Held up, the frames were due already: a timer set to then would have the application ask without a pause.
    wake_application_at(card, card->is_held_up ? now_ns() + TICK_NS / 4 : when_ns);
}

// --- the tape ---------------------------------------------------------------------------------------------------------

static void close_tape(struct card *card)
{
    if (card->tape < 0)
        return;
    munmap(card->header, sizeof(struct tape_header));
    close(card->tape);
    card->tape = -1;
    card->header = &card->off_tape;
}

// O_EXCL decides between streams that start at the same moment, also in different processes.
static int create_tape_file(const char *path)
{
    char numbered[PATH_MAX];
    for (int number = 0; number < MOST_TAPES; number++) {
        int length = snprintf(numbered, sizeof numbered, number ? "%s.%d" : "%s", path, number);
        if (length >= (int)sizeof numbered)
            return -ENAMETOOLONG;
        int file = open(numbered, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file >= 0)
            return file;
        if (errno != EEXIST)
            return -errno;
    }
    return -EEXIST;
}

// The header goes in by one write, so that a reader finds an empty file or a whole header; from then on it is a mapping,
// so that keeping it current costs no system calls.
static int begin_tape(struct card *card)
{
    struct tape_header fresh = { .rate_hz = card->io.rate, .channels = card->io.channels,
                                 .start_ns = now_ns(), .drift_ppb = card->drift_ppb };
    memcpy(fresh.magic, "EDGEVOX1", sizeof fresh.magic);
    card->off_tape = fresh;
    if (!card->tape_path)
        return 0;
    int file = create_tape_file(card->tape_path);
    if (file < 0)
        return file;
    void *header = MAP_FAILED;
    errno = EIO; // stays when the write falls short
    if (pwrite(file, &fresh, sizeof fresh, 0) == (ssize_t)sizeof fresh)
        header = mmap(NULL, sizeof fresh, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (header == MAP_FAILED) {
        int error = errno;
        close(file);
        return -error;
    }
    card->tape = file;
    card->header = header;
    return 0;
}

// One tape has one rate and one number of channels; an application that changes them gets the next tape.
static void ensure_tape(struct card *card)
{
    advance(card); // closes the hole: what is converted from now on belongs to now
    struct tape_header *header = card->header;
    if (header->start_ns && header->rate_hz == card->io.rate && header->channels == card->io.channels)
        return;
    close_tape(card);
    int error = begin_tape(card);
    // Runs on without a tape: PortAudio waits forever in Pa_StartStream when a card opens, but will not start.
    if (error < 0)
        SNDERR("cannot write the tape %s: %s", card->tape_path, strerror(-error));
}

// --- conversion -------------------------------------------------------------------------------------------------------

static void record(struct card *card, const char *samples, uint64_t frames)
{
    if (card->tape < 0)
        return;
    size_t bytes = frames * frame_bytes(card);
    off_t place = (off_t)(sizeof(struct tape_header) + card->header->frames * frame_bytes(card));
    if (pwrite(card->tape, samples, bytes, place) != (ssize_t)bytes)
        card->header->lost_frames += frames;
}

// Returns the bytes of whole frames that the source gave. Half a frame is kept for the next call: were it padded with
// zeros, every later sample would be torn in two.
static size_t read_source(struct card *card, char *place, size_t wanted)
{
    memcpy(place, card->partial_frame, card->partial_bytes);
    size_t got = card->partial_bytes;
    ssize_t fresh = read(card->source, place + got, wanted - got);
    if (fresh > 0)
        got += (size_t)fresh;
    card->partial_bytes = got % frame_bytes(card);
    memcpy(card->partial_frame, place + got - card->partial_bytes, card->partial_bytes);
    return got - card->partial_bytes;
}

static void convert(struct card *card, uint64_t frames)
{
    char *place = ring_at(card, card->converted);
    if (!is_playback(card)) {
        size_t wanted = frames * frame_bytes(card);
        size_t got = read_source(card, place, wanted);
        memset(place + got, 0, wanted - got);
        if (card->room)
            add_echo(card->room, (int16_t *)place, card->header->channels, frames);
    }
    record(card, place, frames);
    if (card->silences)
        memset(place, 0, frames * frame_bytes(card));
    card->converted += frames;
}

void stop_converter(struct card *card)
{
    card->is_running = false;
    card->header->is_running = 0;
    wake_application_at(card, AT_ONCE);
}

// The ring ran dry, or full. After a drain that is how it should end; otherwise samples are missing.
static void stop_at_the_brink(struct card *card)
{
    if (!is_draining(card)) {
        card->has_xrun = true;
        card->header->xruns++;
    }
    stop_converter(card);
}

void advance(struct card *card)
{
    struct tape_header *header = card->header;
    if (header->start_ns == 0 || card->is_unplugged)
        return;
    uint64_t due = frames_in(card_ns(header, now_ns() - header->start_ns), header->rate_hz);
    card->is_held_up = false;
    while (header->frames < due) {
        uint64_t frames = due - header->frames;
        if (card->is_running) {
            uint64_t possible = is_playback(card) ? held_frames(card) : free_frames(card);
            if (card->runs_free && !is_draining(card))
                possible = card->ring_frames;
            uint64_t unbroken = card->ring_frames - card->converted % card->ring_frames;
            if (possible == 0) {
                stop_at_the_brink(card);
                continue; // what is still due is a hole
            }
            frames = frames < possible ? frames : possible;
            frames = frames < unbroken ? frames : unbroken;
            if (card->room && !(frames = listen_to_speaker(card->room, header, frames))) {
                card->is_held_up = true;
                return;
            }
            convert(card, frames);
        }
        // Readers on other processors must find the samples when they find the count.
        __atomic_store_n(&header->frames, header->frames + frames, __ATOMIC_RELEASE);
    }
}

bool is_plug_out(const struct card *card)
{
    return card->unplugged_path && access(card->unplugged_path, F_OK) == 0;
}

void notice_unplug(struct card *card)
{
    if (card->is_unplugged || !is_plug_out(card))
        return;
    card->is_unplugged = true;
    stop_converter(card);
}

// --- the clockwork: a thread that keeps tape and header current while the application sleeps --------------------------

static void *run_clockwork(void *argument)
{
    struct card *card = argument;
    pthread_setname_np(pthread_self(), "edgevoice-card"); // so that what the card costs can be told from what the box costs
    pthread_mutex_lock(&card->lock);
    while (!card->is_closing) {
        notice_unplug(card);
        if (card->room)
            count_tick(card->room);
        advance(card);
        struct timespec until = moment(now_ns() + TICK_NS);
        pthread_cond_timedwait(&card->closing, &card->lock, &until);
    }
    pthread_mutex_unlock(&card->lock);
    return NULL;
}

static int start_clockwork(struct card *card)
{
    if (card->has_clockwork)
        return 0;
    // The application's signal handlers must not run on a thread that it does not know of.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&card->clockwork, NULL, run_clockwork, card);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    card->has_clockwork = error == 0;
    return -error;
}

int run_converter(struct card *card)
{
    int error = start_clockwork(card);
    if (error < 0)
        return error;
    ensure_tape(card);
    card->is_running = true;
    card->header->is_running = 1;
    wake_application_at(card, AT_ONCE);
    return 0;
}

static void stop_clockwork(struct card *card)
{
    if (!card->has_clockwork)
        return;
    pthread_mutex_lock(&card->lock);
    card->is_closing = true;
    pthread_cond_signal(&card->closing);
    pthread_mutex_unlock(&card->lock);
    pthread_join(card->clockwork, NULL);
    card->has_clockwork = false;
}

// --- life -------------------------------------------------------------------------------------------------------------

struct card *new_card(void)
{
    struct card *card = calloc(1, sizeof *card);
    if (!card)
        return NULL;
    card->timer = card->source = card->tape = -1;
    card->wake_frames = 1;
    card->boundary = 1; // until prepare tells: whoever polls earlier finds nothing ready
    card->header = &card->off_tape;
    // Whoever waits in real time lends that to the thread that holds the lock: a card's hardware is never preempted.
    pthread_mutexattr_t inheriting;
    pthread_mutexattr_init(&inheriting);
    pthread_mutexattr_setprotocol(&inheriting, PTHREAD_PRIO_INHERIT);
    pthread_mutex_init(&card->lock, &inheriting);
    pthread_mutexattr_destroy(&inheriting);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&card->closing, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return card;
}

void release(struct card *card)
{
    stop_clockwork(card);
    close_tape(card);
    if (card->source >= 0)
        close(card->source);
    if (card->timer >= 0)
        close(card->timer);
    pthread_cond_destroy(&card->closing);
    pthread_mutex_destroy(&card->lock);
    free(card->ring);
    free_room(card->room);
    free(card->hearing.path);
    free(card->hearing.response);
    free(card->tape_path);
    free(card->source_path);
    free(card->unplugged_path);
    free(card);
}
