// The wake word's computation in C: mel spectrogram, embedding network and dense classifiers. One thread per object, no
// library but libm. All weights are read where the caller keeps them, which must outlive the objects made from them.

#ifndef EDGEVOICE_KERNEL_H
#define EDGEVOICE_KERNEL_H

#include <stdint.h>

#define KERNEL_VERSION 1 // raised with every change in what follows; library.py asks for it

#define BANDS 32
#define EMBEDDING 96
#define CHUNK_FRAMES 8 // mel frames in a step of 80 ms
#define MOST_STEPS 2   // steps that are computed together
#define MOST_LAYERS 32
#define MOST_UNITS 128 // outputs of a dense layer
#define PANEL 24       // columns of weights that are computed together: divides 24, 48, 72 and 96
#define BLOCK 32       // the same in dense layers
#define VOICE_SAMPLES 576 // a step of the voice model: 32 ms and 4 ms before them
#define VOICE_UNITS 128   // of its recurrent layer

// A convolution over `reach_time` frames and `reach_bands` bands, and what follows it. Along time it sees frames from
// before (no padding), along the bands one zero at either end. Then, in this order: rectified and scaled (if
// is_rectified), the larger of x and leak * x, the larger of that and floor, and the maximum of each pool.
struct convolution {
    int32_t reach_time, reach_bands, channels_in, channels_out, is_rectified, pool_time, pool_bands;
    float leak, floor;
    const float *weights; // [channels_out / PANEL][reach_time * reach_bands * channels_in][PANEL]
    const float *bias, *scale, *shift;
};

// A dense layer: outputs = inputs * weights + bias, then normalised to mean 0 and deviation 1, times gain plus offset,
// if is_normalised. Every layer but the last is rectified.
struct dense {
    int32_t inputs, outputs, is_normalised;
    float epsilon;
    const float *weights; // [outputs / BLOCK][inputs][BLOCK] if outputs is a multiple of BLOCK, else [inputs][outputs]
    const float *bias, *gain, *offset;
};

struct network;
struct mel;

int kernel_version(void);

// Choose what is compiled for the best processor (1) or for any (0); return which is in force. By default the best.
int kernel_choose(int best);

// Return a network in its first state, or NULL without memory. The layers' sizes must follow from one another.
struct network *network_new(const struct convolution *layers, int count);
void network_free(struct network *network);

// Go on as if all frames so far had been zeros in every layer.
void network_forget(struct network *network);

// Take 8 mel frames of each of 1 or 2 steps, and write the embedding after each.
void network_step(struct network *network, const float *mel, int steps, float *embeddings);

// `window` has 512 values, `matrix` is [257][BANDS]. NULL without memory.
struct mel *mel_new(const float *window, const float *matrix);
void mel_free(struct mel *mel);

// Write `frames` mel frames of `sound`, 160 samples apart, 512 samples each, as the logarithms that the network takes:
// no deeper than 80 dB under the loudest of them.
void mel_frames(const struct mel *mel, const int16_t *sound, int frames, float *made);

// Write the scores, from 0 to 1, of 1 or 2 windows, the second of which begins one embedding after the first.
void dense_scores(const struct dense *layers, int count, const float *window, int windows, float *scores);

// Take VOICE_SAMPLES samples from -1 to 1 and return the probability of speech; `state` is [2][VOICE_UNITS], zeros at
// first. `layers` are the transform (256 to 288), four convolutions over three frames (387 to 128, 384 to 64, 192 to 64,
// 192 to 128), the recurrent layer (256 to 512) and the last one (128 to 1).
float voice_step(const struct dense *layers, const float *sound, float *state);

#endif
