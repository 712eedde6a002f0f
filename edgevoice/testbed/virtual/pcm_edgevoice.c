// ALSA ioplug "edgevoice": a sound card without hardware, paced by CLOCK_MONOTONIC, that tapes every frame it converts.
//
// A pcm with `source` is a microphone: it captures what stands in that FIFO, at the speed of real time, and zeros when the
// FIFO is empty. A pcm without `source` is a loudspeaker. Both behave as a card does: a hardware pointer that follows the
// clock, periods, xruns that stop the stream, an immediate drop, ENODEV once the plug is pulled; a clock of its own, which
// drifts, and a room in which the microphone hears the speaker. What the speaker has not emitted yet may be rewound and
// written again; with a stop threshold beyond its ring it runs free: when dry it plays the ring once more, or silence
// with a silence size beyond the ring. Not modelled: a drift that changes, the delay of a codec but as part of the
// room's, granularity of DMA, exclusive opening, and a microphone that runs free.
//
//   pcm.speaker { type edgevoice tape "/dev/shm/far-end.tape" unplugged "/run/card/unplugged" }
//   pcm.mic     { type edgevoice source "/run/card/mic.fifo" tape "/dev/shm/near-end.tape" rate 16000
//                 hears "/dev/shm/far-end.tape" response "/run/card/response.f32" delay_us 60000 }
//
//   tape       file for every converted frame; the first stream takes PATH, each later one PATH.1, PATH.2 and so on, so
//              that nothing is lost over an unplug. It appears when a stream first starts: opening, configuring and
//              preparing, which is how programs probe for devices, leave no trace.
//   unplugged  while this file exists the card is gone; a stream that saw it go stays dead, as with a real card.
//   rate       the only rate of the card; without it 8000 to 48000 Hz.
//   channels   of a microphone, 1 to 16, interleaved in the FIFO; without it 1.
//   drift_ppm  the card's clock runs so much faster than CLOCK_MONOTONIC, -1000 to 1000; the tape's header tells it, and so
//              the true rate.
//   hears      tape of a speaker, PATH as in its `tape`: the newest stream that began there is added to the source, at
//              its own time, and saturates with it. While none plays: silence. The microphone then does 16000 Hz only.
//   response   file of float32, at most 4000 taps at the microphone's rate: what it hears of one sample of the speaker.
//   delay_us   from the speaker's converter to the first tap, 5000 (what interpolation and ticks need) to 1000000.
//   clip       the loudspeaker's limit in units of s16, a soft one: clip * tanh(sample / clip). Without it: none.
//
// A microphone that hears waits for a speaker's tape that is late, as on a busy machine: what it captures does not depend
// on which thread came first.

#include "converter.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define MOST_DRIFT_PPM 1000

// --- what alsa-lib calls, on the application's threads ----------------------------------------------------------------

static int take_sw_params(snd_pcm_ioplug_t *io, snd_pcm_sw_params_t *params)
{
    struct card *card = io->private_data;
    snd_pcm_uframes_t wake_frames = 1, stop_frames = 0, silent_frames = 0, boundary = 0;
    int error = snd_pcm_sw_params_get_avail_min(params, &wake_frames);
    if (error >= 0)
        error = snd_pcm_sw_params_get_stop_threshold(params, &stop_frames);
    if (error >= 0)
        error = snd_pcm_sw_params_get_silence_size(params, &silent_frames);
    if (error >= 0)
        error = snd_pcm_sw_params_get_boundary(params, &boundary);
    pthread_mutex_lock(&card->lock);
    card->wake_frames = wake_frames;
    card->runs_free = is_playback(card) && error >= 0 && stop_frames >= boundary;
    card->silences = is_playback(card) && error >= 0 && silent_frames >= boundary;
    pthread_mutex_unlock(&card->lock);
    return error;
}

static int prepare(snd_pcm_ioplug_t *io)
{
    struct card *card = io->private_data;
    snd_pcm_sw_params_t *params;
    snd_pcm_uframes_t boundary = 0;
    snd_pcm_sw_params_alloca(&params);
    int error = snd_pcm_sw_params_current(io->pcm, params);
    if (error < 0 || (error = snd_pcm_sw_params_get_boundary(params, &boundary)) < 0)
        return error;
    int16_t *ring = calloc(io->buffer_size, sizeof *ring * io->channels);
    if (!ring)
        return -ENOMEM;

    pthread_mutex_lock(&card->lock);
    notice_unplug(card);
    advance(card);
    free(card->ring);
    card->ring = ring;
    card->ring_frames = io->buffer_size;
    card->boundary = boundary;
    card->converted = 0;
    card->has_xrun = false;
    stop_converter(card);
    error = card->is_unplugged ? -ENODEV : 0;
    pthread_mutex_unlock(&card->lock);
    return error;
}

static int start(snd_pcm_ioplug_t *io)
{
    struct card *card = io->private_data;
    pthread_mutex_lock(&card->lock);
    notice_unplug(card);
    int error = card->is_unplugged ? -ENODEV : run_converter(card);
    pthread_mutex_unlock(&card->lock);
    return error;
}

static int stop(snd_pcm_ioplug_t *io)
{
    struct card *card = io->private_data;
    pthread_mutex_lock(&card->lock);
    advance(card);
    stop_converter(card);
    pthread_mutex_unlock(&card->lock);
    return 0;
}

static snd_pcm_sframes_t pointer(snd_pcm_ioplug_t *io)
{
    struct card *card = io->private_data;
    pthread_mutex_lock(&card->lock);
    advance(card);
    if (card->is_unplugged)
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
    snd_pcm_sframes_t position = (snd_pcm_sframes_t)(card->converted % card->boundary);
    if (card->has_xrun && !card->is_unplugged)
        position = -EPIPE;
    pthread_mutex_unlock(&card->lock);
    return position;
}

// For capture through mmap alsa-lib may ask for the same frames many times before it commits them, so the place in the
// ring comes from its pointer and not from a count of calls.
static snd_pcm_sframes_t transfer(snd_pcm_ioplug_t *io, const snd_pcm_channel_area_t *areas, snd_pcm_uframes_t offset,
                                  snd_pcm_uframes_t size)
{
    struct card *card = io->private_data;
    size_t frame = sizeof(int16_t) * io->channels;
    char *application = (char *)areas[0].addr + (areas[0].first + areas[0].step * offset) / 8;
    snd_pcm_sframes_t result = (snd_pcm_sframes_t)size;
    pthread_mutex_lock(&card->lock);
    if (card->is_unplugged)
        result = -ENODEV;
    for (snd_pcm_uframes_t done = 0; result > 0 && done < size;) {
        snd_pcm_uframes_t place = (io->appl_ptr + done) % card->ring_frames;
        snd_pcm_uframes_t frames = card->ring_frames - place;
        frames = frames < size - done ? frames : size - done;
        char *ring = (char *)card->ring + place * frame;
        if (is_playback(card))
            memcpy(ring, application + done * frame, frames * frame);
        else
            memcpy(application + done * frame, ring, frames * frame);
        done += frames;
    }
    pthread_mutex_unlock(&card->lock);
    return result;
}

static int answer_poll(snd_pcm_ioplug_t *io, struct pollfd *descriptors, unsigned int count, unsigned short *events)
{
    (void)descriptors, (void)count;
    struct card *card = io->private_data;
    unsigned short yes = is_playback(card) ? POLLOUT : POLLIN;
    pthread_mutex_lock(&card->lock);
    advance(card);
    // Who drains waits for the last frame, not for the next free period.
    snd_pcm_uframes_t ready = ready_frames(card);
    snd_pcm_uframes_t wanted = is_draining(card) ? card->ring_frames : card->wake_frames;
    *events = 0;
    if (card->is_unplugged) {
        snd_pcm_ioplug_set_state(io, SND_PCM_STATE_DISCONNECTED);
        *events = POLLERR | POLLHUP | yes;
    } else if (card->has_xrun) {
        *events = POLLERR | yes;
    } else if (ready >= wanted) {
        *events = yes;
    } else if (card->is_running) {
        wake_application_after(card, wanted - ready);
    } else {
        wake_application_at(card, NEVER); // until start
    }
    pthread_mutex_unlock(&card->lock);
    return 0;
}

static int close_card(snd_pcm_ioplug_t *io)
{
    struct card *card = io->private_data;
    pthread_mutex_lock(&card->lock);
    advance(card);
    stop_converter(card);
    pthread_mutex_unlock(&card->lock);
    release(card);
    return 0;
}

static const snd_pcm_ioplug_callback_t callbacks = {
    .start = start,
    .stop = stop,
    .pointer = pointer,
    .transfer = transfer,
    .prepare = prepare,
    .sw_params = take_sw_params,
    .poll_revents = answer_poll,
    .close = close_card,
};

// --- opening ----------------------------------------------------------------------------------------------------------

static int take_path(snd_config_t *node, char **path)
{
    const char *text;
    int error = snd_config_get_string(node, &text);
    if (error < 0)
        return error;
    free(*path);
    *path = strdup(text);
    return *path ? 0 : -ENOMEM;
}

static int take_drift(struct card *card, snd_config_t *node)
{
    double ppm;
    int error = snd_config_get_ireal(node, &ppm);
    if (error < 0)
        return error;
    card->drift_ppb = llround(ppm * 1000);
    return fabs(ppm) <= MOST_DRIFT_PPM ? 0 : -EINVAL;
}

static int take_channels(struct card *card, snd_config_t *node)
{
    int error = snd_config_get_integer(node, &card->microphones);
    if (error < 0)
        return error;
    return card->microphones >= 1 && card->microphones <= MOST_MICROPHONES ? 0 : -EINVAL;
}

static int take_field(struct card *card, const char *name, snd_config_t *node)
{
    static const char *const not_ours[] = { "comment", "type", "hint", "lib" };
    for (size_t i = 0; i < sizeof not_ours / sizeof *not_ours; i++)
        if (!strcmp(name, not_ours[i]))
            return 0;
    if (!strcmp(name, "tape"))
        return take_path(node, &card->tape_path);
    if (!strcmp(name, "source"))
        return take_path(node, &card->source_path);
    if (!strcmp(name, "unplugged"))
        return take_path(node, &card->unplugged_path);
    if (!strcmp(name, "rate"))
        return snd_config_get_integer(node, &card->only_rate_hz);
    if (!strcmp(name, "channels"))
        return take_channels(card, node);
    if (!strcmp(name, "drift_ppm"))
        return take_drift(card, node);
    if (!strcmp(name, "hears"))
        return take_path(node, &card->hearing.path);
    if (!strcmp(name, "response"))
        return take_path(node, &card->hearing.response);
    if (!strcmp(name, "delay_us"))
        return snd_config_get_integer(node, &card->hearing.delay_us);
    if (!strcmp(name, "clip"))
        return snd_config_get_ireal(node, &card->hearing.clip);
    return -EINVAL;
}

static int take_fields(struct card *card, snd_config_t *fields)
{
    snd_config_iterator_t place, next;
    snd_config_for_each(place, next, fields) {
        snd_config_t *node = snd_config_iterator_entry(place);
        const char *name;
        if (snd_config_get_id(node, &name) < 0)
            continue;
        int error = take_field(card, name, node);
        if (error < 0) {
            SNDERR("edgevoice: field %s: %s", name, snd_strerror(error));
            return error;
        }
    }
    return 0;
}

static int open_room(struct card *card)
{
    const struct hearing *hearing = &card->hearing;
    if (!hearing->path)
        return 0;
    if (!card->only_rate_hz)
        card->only_rate_hz = ROOM_RATE_HZ;
    bool makes_sense = card->source_path && hearing->response && hearing->delay_us >= SHORTEST_DELAY_US &&
                       hearing->delay_us <= LONGEST_DELAY_US && hearing->clip >= 0 && card->only_rate_hz == ROOM_RATE_HZ;
    errno = EINVAL;
    if (makes_sense)
        card->room = new_room(hearing->path, hearing->response, (uint64_t)hearing->delay_us, hearing->clip);
    if (card->room)
        return 0;
    int error = errno;
    SNDERR("edgevoice: the room cannot be: %s", strerror(error));
    return -error;
}

static int open_files(struct card *card, snd_pcm_stream_t stream)
{
    bool is_microphone = card->source_path != NULL;
    if (is_microphone != (stream == SND_PCM_STREAM_CAPTURE))
        return -ENOENT; // as the kernel says of a card that cannot do this direction
    if (is_plug_out(card))
        return -ENODEV;
    card->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (card->timer < 0)
        return -errno;
    if (!is_microphone)
        return 0;
    // Open for writing too: a FIFO that lost its last writer would end, and spin.
    card->source = open(card->source_path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    return card->source < 0 ? -errno : 0;
}

static int limit_parameters(struct card *card)
{
    static const unsigned int access[] = { SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_MMAP_INTERLEAVED };
    static const unsigned int format[] = { SND_PCM_FORMAT_S16_LE };
    unsigned int lowest_hz = card->only_rate_hz ? (unsigned int)card->only_rate_hz : 8000;
    unsigned int highest_hz = card->only_rate_hz ? (unsigned int)card->only_rate_hz : 48000;
    // What stands in the FIFO has as many channels as the microphone, so it is opened with that many or not at all.
    unsigned int microphones = card->microphones ? (unsigned int)card->microphones : 1;
    unsigned int fewest = is_playback(card) ? 1 : microphones, most = is_playback(card) ? MOST_CHANNELS : microphones;
    snd_pcm_ioplug_t *io = &card->io;
    int error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_ACCESS, 2, access);
    if (error >= 0)
        error = snd_pcm_ioplug_set_param_list(io, SND_PCM_IOPLUG_HW_FORMAT, 1, format);
    if (error >= 0)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_CHANNELS, fewest, most);
    if (error >= 0)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_RATE, lowest_hz, highest_hz);
    if (error >= 0)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIOD_BYTES, 32, 65536);
    if (error >= 0)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_PERIODS, 2, 256);
    if (error >= 0)
        error = snd_pcm_ioplug_set_param_minmax(io, SND_PCM_IOPLUG_HW_BUFFER_BYTES, 64, 262144);
    return error;
}

SND_PCM_PLUGIN_DEFINE_FUNC(edgevoice)
{
    (void)root;
    struct card *card = new_card();
    if (!card)
        return -ENOMEM;
    int error = take_fields(card, conf);
    if (error >= 0)
        error = open_files(card, stream);
    if (error >= 0)
        error = open_room(card);
    if (error >= 0) {
        card->io.version = SND_PCM_IOPLUG_VERSION;
        card->io.name = "edgevoice virtual sound card";
        card->io.flags = SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
        card->io.callback = &callbacks;
        card->io.private_data = card;
        card->io.poll_fd = card->timer;
        card->io.poll_events = POLLIN;
        error = snd_pcm_ioplug_create(&card->io, name, stream, mode);
    }
    if (error < 0) {
        release(card);
        return error;
    }
    error = limit_parameters(card);
    if (error < 0) {
        snd_pcm_ioplug_delete(&card->io); // closes, and so releases, the card
        return error;
    }
    *pcmp = card->io.pcm;
    return 0;
}
SND_PCM_PLUGIN_SYMBOL(edgevoice);
