// Runs the models that hear one sound at a time on what a file holds, and writes what they make of it; see driver.c.
// The file: the sound model's layers, its other arrays, window and matrix; the event model's in the same way; the sound.

#include "kernel.h"

#include <stdio.h>
#include <stdlib.h>

static void *taken(size_t bytes)
{
    void *made = malloc(bytes);
    if (fread(made, 1, bytes, stdin) != bytes) exit(2);
    return made;
}

static float *floats(int count) { return taken((size_t)count * sizeof(float)); }

static int number(void) { return *(int32_t *)taken(sizeof(int32_t)); }

static struct mel *mel(int bands)
{
    float *window = floats(512);
    return mel_new(window, floats(257 * bands), bands);
}

int main(void)
{
    struct dense dense[2 * SOUND_LAYERS + 2] = { 0 };
    for (int n = 0; n < 2 * SOUND_LAYERS + 2; n++) {
        dense[n].inputs = number(), dense[n].outputs = number();
        dense[n].weights = floats(dense[n].inputs * dense[n].outputs), dense[n].bias = floats(dense[n].outputs);
    }
    float *taps = floats(SOUND_LAYERS * SOUND_TAPS * SOUND_UNITS), *normal = floats(2 * SOUND_BANDS);
    float *kinds = floats(2 * SOUND_KINDS * SOUND_UNITS + 1);
    struct sound *sound = sound_new(mel(SOUND_BANDS), dense, taps, normal, kinds);
    struct map_layer layers[EVENT_LAYERS] = { 0 };
    for (int n = 0; n < EVENT_LAYERS; n++) {
        struct map_layer *layer = &layers[n];
        layer->channels_in = number(), layer->channels_out = number(), layer->is_across = number(), layer->step = number();
        if (layer->is_across) {
            layer->whole = taken((size_t)(layer->channels_in * layer->channels_out));
            layer->scale = floats(layer->channels_out);
        } else layer->weights = floats(9 * layer->channels_out);
        layer->bias = floats(layer->channels_out);
    }
    float *head = floats(2 * EVENT_CHANNELS + 1);
    struct events *events = events_new(mel(EVENT_BANDS), layers, head);
    int blocks = number();
    int16_t *samples = taken((size_t)(blocks * SOUND_BLOCK) * sizeof(int16_t));
    float *made = malloc((size_t)(2 * blocks + 2 * EVENT_CHANNELS + 1) * sizeof(float));
    sound_take(sound, samples, blocks, 0, made, NULL);
    made[2 * blocks] = events_odds(events, samples, blocks * SOUND_BLOCK, SOUND_BLOCK, made + 2 * blocks + 1);
    fwrite(made, sizeof(float), (size_t)(2 * blocks + 2 * EVENT_CHANNELS + 1), stdout);
    return 0;
}
