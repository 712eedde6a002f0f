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
    float cosine[POINTS], sine[POINTS]; // of k turns / POINTS
    int first[BANDS], bins[BANDS];      // what a band adds up
    float weights[BANDS][HALF + 1];
    int used_bins; // the highest band ends below 4 kHz
};

#endif
