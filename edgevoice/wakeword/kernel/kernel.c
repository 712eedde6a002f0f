// The kernel's objects, and the choice, at run time, of the computations for this processor.

#include "state.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CALLS(processor)                                                                                               \
    void network_step_##processor(struct network *, const float *, int, float *);                                      \
    void mel_frames_##processor(const struct mel *, const int16_t *, int, float *);                                    \
    void dense_scores_##processor(const struct dense *, int, const float *, int, float *);                             \
    float voice_step_##processor(const struct dense *, const float *, float *);                                        \
    void sound_take_##processor(struct sound *, const int16_t *, int, int, float *, float *);                          \
    float events_odds_##processor(struct events *, const int16_t *, int, int, float *);
CALLS(any)

static int is_best; // of the two, on x86-64; elsewhere there is only one

#if defined(__x86_64__)
CALLS(avx2)
#define CALL(name) (is_best ? name##_avx2 : name##_any)
#else
#define CALL(name) name##_any
#endif

int kernel_version(void) { return KERNEL_VERSION; }

__attribute__((constructor)) static void choose(void) { kernel_choose(1); }

int kernel_choose(int best)
{
#if defined(__x86_64__)
    is_best = best && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
    (void)best;
#endif
    return is_best;
}

static size_t input_floats(const struct layer *layer, int frames)
{
    return (size_t)(frames + layer->is.reach_time - 1) * (size_t)layer->stride;
}

void network_free(struct network *network)
{
    if (!network) return;
    for (int n = 0; n < network->count; n++) free(network->layers[n].input);
    free(network->unpooled);
    free(network);
}

struct network *network_new(const struct convolution *layers, int count)
{
    struct network *network = calloc(1, sizeof *network);
    if (!network) return NULL;
    int bands = BANDS, frames = MOST_STEPS * CHUNK_FRAMES;
    size_t most = 0;
    for (int n = 0; n < count; n++) {
        struct layer *layer = &network->layers[n];
        layer->is = layers[n];
        layer->bands = bands;
        layer->stride = (bands + (layers[n].reach_bands > 1 ? 2 : 0)) * layers[n].channels_in;
        layer->input = calloc(input_floats(layer, frames), sizeof(float));
        network->count = n + 1;
        if (!layer->input) goto failed;
        size_t made = (size_t)frames * (size_t)bands * (size_t)layers[n].channels_out;
        if (made > most) most = made;
        bands /= layers[n].pool_bands, frames /= layers[n].pool_time;
    }
    network->unpooled = calloc(most, sizeof(float));
    if (network->unpooled) return network;
failed:
    network_free(network);
    return NULL;
}

void network_forget(struct network *network)
{
    int frames = MOST_STEPS * CHUNK_FRAMES;
    for (int n = 0; n < network->count; n++) {
        struct layer *layer = &network->layers[n];
        memset(layer->input, 0, input_floats(layer, frames) * sizeof(float));
        frames /= layer->is.pool_time;
    }
}

struct mel *mel_new(const float *window, const float *matrix, int bands)
{
    struct mel *mel = calloc(1, sizeof *mel);
    if (!mel) return NULL;
    mel->bands = bands;
    memcpy(mel->window, window, sizeof mel->window);
    for (int k = 0; k < POINTS; k++) {
        double angle = k * 2 * M_PI / POINTS;
        mel->cosine[k] = (float)cos(angle), mel->sine[k] = (float)sin(angle);
    }
    for (int band = 0; band < bands; band++) {
        int first = 0, end = HALF + 1;
        while (first < end && matrix[first * bands + band] == 0) first++;
        while (end > first && matrix[(end - 1) * bands + band] == 0) end--;
        mel->first[band] = first, mel->bins[band] = end - first;
        for (int k = first; k < end; k++) mel->weights[band][k - first] = matrix[k * bands + band];
        if (end > mel->used_bins) mel->used_bins = end;
    }
    return mel;
}

void mel_free(struct mel *mel) { free(mel); }

struct sound *sound_new(const struct mel *mel, const struct dense *layers, const float *taps, const float *normal,
                        const float *kinds)
{
    struct sound *sound = calloc(1, sizeof *sound);
    if (!sound) return NULL;
    sound->mel = mel, sound->taps = taps, sound->normal = normal, sound->kinds = kinds;
    memcpy(sound->layers, layers, sizeof sound->layers);
    sound_forget(sound);
    return sound;
}

void sound_free(struct sound *sound) { free(sound); }

void sound_forget(struct sound *sound)
{
    memset(sound->heard, 0, sizeof sound->heard);
    memset(sound->memory, 0, sizeof sound->memory);
    memset(sound->sums, 0, sizeof sound->sums);
    sound->is_first = 1, sound->blocks = 0;
}

struct events *events_new(const struct mel *mel, const struct map_layer *layers, const float *head)
{
    struct events *events = calloc(1, sizeof *events); // its maps are not touched before the first judgement
    if (!events) return NULL;
    events->mel = mel, events->head = head;
    memcpy(events->layers, layers, sizeof events->layers);
    return events;
}

void events_free(struct events *events) { free(events); }


// --- computations -----------------------------------------------------------------------------------------------------

void network_step(struct network *network, const float *mel, int steps, float *embeddings)
{
    CALL(network_step)(network, mel, steps, embeddings);
}

void mel_frames(const struct mel *mel, const int16_t *sound, int frames, float *made)
{
    CALL(mel_frames)(mel, sound, frames, made);
}

void dense_scores(const struct dense *layers, int count, const float *window, int windows, float *scores)
{
    CALL(dense_scores)(layers, count, window, windows, scores);
}

float voice_step(const struct dense *layers, const float *sound, float *state)
{
    return CALL(voice_step)(layers, sound, state);
}

void sound_take(struct sound *sound, const int16_t *blocks, int count, int before, float *judged, float *inner)
{
    CALL(sound_take)(sound, blocks, count, before, judged, inner);
}

float events_odds(struct events *events, const int16_t *sound, int count, int begin, float *features)
{
    return CALL(events_odds)(events, sound, count, begin, features);
}
