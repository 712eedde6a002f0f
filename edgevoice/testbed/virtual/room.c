// The air between the virtual speaker and the virtual microphone. Reads the speaker's tape; never writes it, never blocks.
//
// The tape is interpolated at the very times at which the microphone takes its samples, and the result goes through the
// room's response, whose taps are one sample of the microphone apart. So whatever the two clocks do, the path from tape to
// tape is linear and does not change, but for the loudspeaker's clip.

#include "room.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define CHUNK 256 // most frames of the microphone in one go

// The kernel: a sinc under a Kaiser window, 2.67 ms to either side at any rate of the speaker. By Kaiser's formulas 80 dB
// cost 0.94 kHz between pass band and stop band, and the latter begins at half the lower rate: nothing aliases, and at
// 24 kHz speech up to 7 kHz passes. Between 256 rows an error of linear interpolation is below -100 dB.
#define REACH_S (64.0 / 24000)
#define KAISER_BETA 7.857
#define TRANSITION_HZ 941.0
#define PHASES 256
#define MOST_REACH 128 // frames, at 48 kHz
#define LOWEST_RATE_HZ 8000
#define HIGHEST_RATE_HZ 48000
#define MOST_EMITTED (CHUNK * (HIGHEST_RATE_HZ / ROOM_RATE_HZ) * 101 / 100 + 2 * MOST_REACH + 4)

// Of the microphone's ticks, 2 ms each, without one of the speaker's: then its process was killed. Counted, not timed: a
// process that was stopped as a whole goes on as if nothing had been.
#define PATIENCE_TICKS 50

#define NOBODY_KNOWS_NS (INT64_MAX / 2)

#define TINIEST_TAP 1e-20f // smaller ones lead to denormal products, which cost a hundred cycles each
#define VECTOR 16          // dot() takes its floats by so many

struct room {
    char *hears;
    int64_t delay_ns;
    float clip;

    int number; // of the tape that is heard now; -1 before the first
    int tape;
    const struct tape_header *far; // mapped; NULL before the first
    uint64_t seen_frames;
    unsigned idle_ticks;

    uint32_t kernel_rate_hz;
    size_t reach; // frames to either side
    float kernel[(PHASES + 1) * 2 * MOST_REACH];

    size_t taps;                               // a multiple of VECTOR
    float response[MOST_TAPS + VECTOR];        // the last tap first
    float sound[MOST_TAPS + VECTOR + CHUNK];   // at the microphone's rate: taps - 1 of the past, then the present
    uint64_t sound_frame;                      // frame of the microphone where the present begins
    bool has_past;
};

// --- arithmetic -------------------------------------------------------------------------------------------------------

// Four sums at a time in four registers: the compiler may not reorder a sum of floats by itself, and -ffast-math would
// change the rounding of the whole process that loads the plugin (gcc before 13 links crtfastmath.o).
static float dot(const float *a, const float *b, size_t count)
{
    typedef float lanes __attribute__((vector_size(16), aligned(4), may_alias));
    const lanes *u = (const lanes *)a, *v = (const lanes *)b;
    lanes sums[4] = { { 0 } };
    for (size_t i = 0; i < count / 4; i += 4) {
        sums[0] += u[i] * v[i];
        sums[1] += u[i + 1] * v[i + 1];
        sums[2] += u[i + 2] * v[i + 2];
        sums[3] += u[i + 3] * v[i + 3];
    }
    lanes sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

static double bessel_i0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; term > 1e-12 * sum; k++) {
        term *= x / (2 * k) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

// Still to be divided by the window's height, bessel_i0(KAISER_BETA).
static double kernel_at(double frames, uint32_t rate_hz)
{
    double away = frames / (REACH_S * rate_hz);
    if (fabs(away) >= 1)
        return 0;
    double edge_hz = rate_hz < ROOM_RATE_HZ ? rate_hz / 2.0 : ROOM_RATE_HZ / 2.0;
    double band = (2 * edge_hz - TRANSITION_HZ) / rate_hz;
    double x = M_PI * band * frames;
    double sinc = fabs(x) < 1e-9 ? 1 : sin(x) / x;
    return band * sinc * bessel_i0(KAISER_BETA * sqrt(1 - away * away));
}

// Row p weighs the frames around a moment that lies p / PHASES of a frame after one of them.
static void make_kernel(struct room *room, uint32_t rate_hz)
{
    if (room->kernel_rate_hz == rate_hz)
        return;
    room->kernel_rate_hz = rate_hz;
    room->reach = ((size_t)ceil(REACH_S * rate_hz) + VECTOR / 2 - 1) / (VECTOR / 2) * (VECTOR / 2);
    float *weight = room->kernel;
    double height = bessel_i0(KAISER_BETA);
    for (int row = 0; row <= PHASES; row++)
        for (size_t k = 0; k < 2 * room->reach; k++)
            *weight++ = (float)(kernel_at((double)k + 1 - (double)room->reach - (double)row / PHASES, rate_hz) / height);
}

// --- the speaker's tapes ----------------------------------------------------------------------------------------------

static void leave_tape(struct room *room)
{
    if (!room->far)
        return;
    munmap((void *)room->far, sizeof *room->far);
    close(room->tape);
    room->far = NULL;
}

static bool is_whole(const struct tape_header *header)
{
    return !memcmp(header->magic, "EDGEVOX1", sizeof header->magic) && header->rate_hz >= LOWEST_RATE_HZ &&
           header->rate_hz <= HIGHEST_RATE_HZ && header->channels >= 1 && header->channels <= MOST_CHANNELS;
}

// Returns a descriptor, or -1 when there is no such tape yet, or only its empty file.
static int open_tape(const struct room *room, int number, struct tape_header *header)
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, number ? "%s.%d" : "%s", room->hears, number) >= (int)sizeof path)
        return -1;
    int tape = open(path, O_RDONLY | O_CLOEXEC);
    if (tape >= 0 && (pread(tape, header, sizeof *header, 0) != (ssize_t)sizeof *header || !is_whole(header))) {
        close(tape);
        return -1;
    }
    return tape;
}

// Goes on to the newest tape that had begun by then. Returns when the next one begins, as far as anybody knows: sound that
// is still on its way when a stream ends is heard to its end.
static int64_t follow_tapes(struct room *room, int64_t moment_ns)
{
    for (;;) {
        struct tape_header header;
        int tape = open_tape(room, room->number + 1, &header);
        if (tape < 0)
            return NOBODY_KNOWS_NS;
        if ((int64_t)header.start_ns > moment_ns) {
            close(tape);
            return (int64_t)header.start_ns;
        }
        void *mapped = mmap(NULL, sizeof header, PROT_READ, MAP_SHARED, tape, 0);
        if (mapped == MAP_FAILED) {
            close(tape);
            return NOBODY_KNOWS_NS;
        }
        leave_tape(room);
        room->number++;
        room->tape = tape;
        room->far = mapped;
        room->idle_ticks = 0;
        make_kernel(room, header.rate_hz);
    }
}

void count_tick(struct room *room)
{
    if (!room->far)
        return;
    uint64_t frames = __atomic_load_n(&room->far->frames, __ATOMIC_ACQUIRE);
    room->idle_ticks = frames == room->seen_frames ? room->idle_ticks + 1 : 0;
    room->seen_frames = frames;
}

// --- from the tape to the microphone's moments ------------------------------------------------------------------------

static int64_t leaving_ns(const struct room *room, const struct tape_header *near, int64_t frame)
{
    return (int64_t)near->start_ns - room->delay_ns + llround((double)frame * 1e9 / true_rate_hz(near));
}

static double step_frames(const struct room *room, const struct tape_header *near)
{
    return true_rate_hz(room->far) / true_rate_hz(near);
}

// Where on the speaker's tape that stands which the microphone hears in its frame, were there no response.
static double place_on_tape(const struct room *room, const struct tape_header *near, int64_t frame)
{
    int64_t later_ns = (int64_t)near->start_ns - (int64_t)room->far->start_ns - room->delay_ns;
    return 1e-9 * (double)later_ns * true_rate_hz(room->far) + (double)frame * step_frames(room, near);
}

// A speaker that does not play makes no sound until it starts, and that is later than now. So its state comes first: read
// after the count, it could belong to samples that the count does not hold.
static double ready_sound(const struct room *room, const struct tape_header *near, int64_t frame)
{
    if (!room->far || !__atomic_load_n(&room->far->is_running, __ATOMIC_ACQUIRE) || room->idle_ticks > PATIENCE_TICKS)
        return CHUNK;
    double frames = (double)__atomic_load_n(&room->far->frames, __ATOMIC_ACQUIRE);
    double last = frames - 1 - (double)room->reach;
    return 1 + (last - place_on_tape(room, near, frame)) / step_frames(room, near);
}

// What lies before the tape, or after its end, is silence.
static void read_tape(const struct room *room, int64_t first, size_t frames, float *emitted)
{
    int16_t samples[MOST_EMITTED * MOST_CHANNELS] = { 0 };
    uint32_t channels = room->far->channels;
    size_t missing = first >= 0 ? 0 : -first < (int64_t)frames ? (size_t)-first : frames;
    size_t frame_bytes = sizeof *samples * channels;
    off_t place = (off_t)sizeof *room->far + (first + (int64_t)missing) * (off_t)frame_bytes;
    // A tape that cannot be read is silent, as one that could not be written.
    ssize_t got = pread(room->tape, samples + missing * channels, (frames - missing) * frame_bytes, place);
    (void)got;
    for (size_t i = 0; i < frames; i++) {
        float sample = channels == 1 ? samples[i] : 0.5f * (float)(samples[2 * i] + samples[2 * i + 1]);
        emitted[i] = room->clip > 0 && sample != 0 ? room->clip * tanhf(sample / room->clip) : sample;
    }
}

static void interpolate(const struct room *room, const struct tape_header *near, int64_t frame, float *sound,
                        size_t frames)
{
    if (!room->far) {
        memset(sound, 0, frames * sizeof *sound);
        return;
    }
    double step = step_frames(room, near), place = place_on_tape(room, near, frame);
    size_t width = 2 * room->reach;
    int64_t first = (int64_t)floor(place) + 1 - (int64_t)room->reach;
    int64_t last = (int64_t)floor(place + step * (double)(frames - 1)) + (int64_t)room->reach;
    float emitted[MOST_EMITTED];
    read_tape(room, first, (size_t)(last - first + 1), emitted);
    for (size_t k = 0; k < frames; k++) {
        double moment = place + step * (double)k, whole = floor(moment);
        double phase = (moment - whole) * PHASES;
        size_t row = (size_t)phase;
        const float *around = emitted + ((int64_t)whole + 1 - (int64_t)room->reach - first);
        float before = dot(around, room->kernel + row * width, width);
        float after = dot(around, room->kernel + (row + 1) * width, width);
        sound[k] = before + (float)(phase - (double)row) * (after - before);
    }
}

// Returns how many frames it has made.
static size_t make_sound(struct room *room, const struct tape_header *near, int64_t first, float *sound, size_t frames)
{
    size_t done = 0;
    while (done < frames) {
        int64_t frame = first + (int64_t)done, moment_ns = leaving_ns(room, near, frame);
        int64_t until_ns = follow_tapes(room, moment_ns);
        double limit = frames - done < CHUNK ? (double)(frames - done) : CHUNK;
        limit = fmin(limit, 1 + 1e-9 * (double)(until_ns - moment_ns) * true_rate_hz(near));
        limit = fmin(limit, ready_sound(room, near, frame));
        if (limit < 1)
            break;
        interpolate(room, near, frame, sound + done, (size_t)limit);
        done += (size_t)limit;
    }
    return done;
}

size_t listen_to_speaker(struct room *room, const struct tape_header *near, size_t wanted)
{
    size_t past = room->taps - 1;
    if (!room->has_past || room->sound_frame != near->frames) {
        // At the start, and after a hole: what was emitted before still sounds.
        leave_tape(room);
        room->number = -1;
        room->has_past = make_sound(room, near, (int64_t)near->frames - (int64_t)past, room->sound, past) == past;
        if (!room->has_past)
            return 0;
        room->sound_frame = near->frames;
    }
    return make_sound(room, near, (int64_t)near->frames, room->sound + past, wanted < CHUNK ? wanted : CHUNK);
}

// --- to the microphone ------------------------------------------------------------------------------------------------

void add_echo(struct room *room, int16_t *place, uint32_t channels, size_t frames)
{
    for (size_t k = 0; k < frames; k++) {
        float echo = dot(room->response, room->sound + k, room->taps);
        long rounded = lrintf(fminf(fmaxf(echo, -65536), 65536));
        for (uint32_t channel = 0; channel < channels; channel++, place++) {
            long sum = *place + rounded;
            *place = (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < INT16_MIN ? INT16_MIN : sum);
        }
    }
    memmove(room->sound, room->sound + frames, (room->taps - 1) * sizeof *room->sound);
    room->sound_frame += frames;
}

// --- life -------------------------------------------------------------------------------------------------------------

// Little-endian float32, the first tap first. Returns 0 or an error.
static int read_response(struct room *room, const char *path)
{
    float taps[MOST_TAPS + 1];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    ssize_t bytes = read(file, taps, sizeof taps);
    close(file);
    size_t count = bytes < 0 ? 0 : (size_t)bytes / sizeof *taps;
    if (count < 1 || count > MOST_TAPS || (size_t)bytes % sizeof *taps)
        return EINVAL;
    room->taps = (count + VECTOR - 1) / VECTOR * VECTOR;
    for (size_t i = 0; i < count; i++) {
        if (!isfinite(taps[i]))
            return EINVAL;
        room->response[room->taps - 1 - i] = fabsf(taps[i]) < TINIEST_TAP ? 0 : taps[i];
    }
    return 0;
}

struct room *new_room(const char *hears, const char *response, uint64_t delay_us, double clip)
{
    struct room *room = calloc(1, sizeof *room);
    if (!room)
        return NULL;
    room->number = -1;
    room->delay_ns = (int64_t)delay_us * 1000;
    room->clip = (float)clip;
    room->hears = strdup(hears);
    int error = room->hears ? read_response(room, response) : ENOMEM;
    if (!error)
        return room;
    free_room(room);
    errno = error;
    return NULL;
}

void free_room(struct room *room)
{
    if (!room)
        return;
    leave_tape(room);
    free(room->hears);
    free(room);
}
