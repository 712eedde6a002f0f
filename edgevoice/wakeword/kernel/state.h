// What the kernel's objects hold.

#ifndef EDGEVOICE_STATE_H
#define EDGEVOICE_STATE_H

#include "kernel.h"

struct layer {
    struct convolution is;
    int bands; // of its input, without the zeros at either end
    int stride; // floats from one frame of its input to the next
    float *input; // [reach_time - 1 + frames][bands, and 2 if it reaches along them][channels_in]
};

struct network {
    int count;
    struct layer layers[MOST_LAYERS];
    float *unpooled; // what a layer made, before its maximum is taken
    float embeddings[MOST_STEPS][EMBEDDING];
};

#define POINTS 512
#define HALF (POINTS / 2)

struct mel {
    float window[POINTS];
    float cosine[POINTS], sine[POINTS];      // of k turns / POINTS
    int bands;
    int first[MOST_BANDS], bins[MOST_BANDS]; // what a band adds up
    float weights[MOST_BANDS][HALF + 1];
    int used_bins; // the wake word's highest band ends below 4 kHz
};

#define SOUND_ROWS 2 // frames of a block
#define SOUND_WINDOW 400
#define SOUND_HOP (SOUND_BLOCK / SOUND_ROWS)

struct sound {
    const struct mel *mel;
    struct dense layers[2 * SOUND_LAYERS + 2];
    const float *taps, *normal, *kinds;
    float heard[SOUND_WINDOW + SOUND_HOP];
    int is_first; // no frame is complete yet
    float memory[SOUND_LAYERS][SOUND_TAPS - 1 + SOUND_ROWS][SOUND_UNITS];
    float sums[SOUND_KINDS][SOUND_UNITS]; // of the inner values since the sound began
    int blocks;                           // of the sound
};

#define EVENT_COLUMNS 16   // of weights that are computed together
#define MOST_MAP (3 << 15) // floats of the largest map of both lengths: (32 + 16) frames, 32 bands, 64 channels

struct events {
    const struct mel *mel;
    struct map_layer layers[EVENT_LAYERS];
    const float *head;
    float maps[2][MOST_MAP];
    float panel[EVENT_CHANNELS * EVENT_COLUMNS];
};

#endif
