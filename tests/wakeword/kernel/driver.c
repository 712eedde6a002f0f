// Runs the kernel on what a file holds, and writes what it makes: for machines on which there is no Python to call it.
// The file: the number of layers; each layer as in kernel.h, its arrays after it; window and matrix of the mel spectrogram;
// the classifier in the same way; the number of steps, and their sound.

#include "kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void take(void *to, size_t bytes)
{
    if (fread(to, 1, bytes, stdin) != bytes) exit(2);
}

static int number(void)
{
    int32_t n;
    take(&n, sizeof n);
    return n;
}

static float *floats(int count)
{
    float *made = malloc((size_t)count * sizeof(float));
    take(made, (size_t)count * sizeof(float));
    return made;
}

int main(void)
{
    struct convolution layers[MOST_LAYERS];
    int count = number();
    for (int n = 0; n < count; n++) {
        int32_t shape[7];
        take(shape, sizeof shape);
        memcpy(&layers[n], shape, sizeof shape);
        take(&layers[n].leak, 2 * sizeof(float));
        layers[n].weights = floats(shape[0] * shape[1] * shape[2] * shape[3]);
        layers[n].bias = floats(shape[3]), layers[n].scale = floats(shape[3]), layers[n].shift = floats(shape[3]);
    }
    float *window = floats(512), *matrix = floats(257 * BANDS);
    struct dense chain[8];
    int length = number();
    for (int n = 0; n < length; n++) {
        chain[n] = (struct dense){ .inputs = number(), .outputs = number(), .is_normalised = number() };
        take(&chain[n].epsilon, sizeof(float));
        chain[n].weights = floats(chain[n].inputs * chain[n].outputs), chain[n].bias = floats(chain[n].outputs);
        if (chain[n].is_normalised) chain[n].gain = floats(chain[n].outputs), chain[n].offset = floats(chain[n].outputs);
    }
    struct network *network = network_new(layers, count);
    struct mel *mel = mel_new(window, matrix, BANDS);
    float embeddings[17 * EMBEDDING] = { 0 }, frames[CHUNK_FRAMES * BANDS], scores[2];
    int steps = number();
    int16_t *sound = malloc((size_t)(480 + 1280 * steps) * sizeof(int16_t));
    take(sound, (size_t)(480 + 1280 * steps) * sizeof(int16_t));
    for (int step = 0; step < steps; step++) {
        mel_frames(mel, sound + 1280 * step, CHUNK_FRAMES, frames);
        memmove(embeddings, embeddings + EMBEDDING, 16 * EMBEDDING * sizeof(float));
        network_step(network, frames, 1, embeddings + 16 * EMBEDDING);
        dense_scores(chain, length, embeddings, 2, scores);
        fwrite(embeddings + 16 * EMBEDDING, sizeof(float), EMBEDDING, stdout);
        fwrite(scores + 1, sizeof(float), 1, stdout);
    }
    mel_free(mel);
    network_free(network);
    return 0;
}
