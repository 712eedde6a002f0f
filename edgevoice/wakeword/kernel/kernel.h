// What listens, in C: the wake word's mel spectrogram, embedding network and dense classifiers, and the three models that
// tell a person from other sounds. One thread per object, no library but libm. All weights are read where the caller keeps
// them, which must outlive the objects made from them.

#ifndef EDGEVOICE_KERNEL_H
#define EDGEVOICE_KERNEL_H

#include <stdint.h>

#define KERNEL_VERSION 2 // raised with every change in what follows; library.py asks for it

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
#define MOST_BANDS 80
#define SOUND_BLOCK 320 // a step of the sound model: 20 ms
#define SOUND_BANDS 80
#define SOUND_WIDE 256
#define SOUND_UNITS 128
#define SOUND_LAYERS 8
#define SOUND_TAPS 20 // frames that a layer of it remembers, the newest among them
#define SOUND_KINDS 3 // layers of it that tell of what kind a sound is
#define EVENT_BANDS 64
#define EVENT_FRAMES 64 // spectra that the event model hears
#define EVENT_LAST 32   // and those that it hears alone as well
#define EVENT_LAYERS 27
#define EVENT_CHANNELS 1024 // of its last layer

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

// A layer of the event model: a convolution of 3 by 3 of each channel alone (of the only one, if there is but one), or of
// all channels at one place. Then the larger of it and 0.
struct map_layer {
    int32_t channels_in, channels_out, is_across, step; // `step` is 2 where the map is halved
    const float *weights;                               // [3][3][channels_out], if each channel is alone
    const int8_t *whole;                                // else [channels_in][channels_out], to be multiplied by `scale`
    const float *scale, *bias;
};

struct network;
struct mel;
struct sound;
struct events;

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

// `window` has 512 values, `matrix` is [257][bands]. NULL without memory.
struct mel *mel_new(const float *window, const float *matrix, int bands);
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

// Return the sound model in its first state, or NULL without memory. `layers` are two for each of the network's (80, then
// 128 to 256; 256 to 128), and the last two (128 to 256; 256 to 1). `taps` is [SOUND_LAYERS][SOUND_TAPS][SOUND_UNITS], the
// oldest first; `normal` is [2][SOUND_BANDS], by how much features are moved, then scaled; `kinds` is
// [SOUND_KINDS][2][SOUND_UNITS], the weights of the newest values and of their mean, and a constant.
struct sound *sound_new(const struct mel *mel, const struct dense *layers, const float *taps, const float *normal,
                        const float *kinds);
void sound_free(struct sound *sound);

// Go on as if nothing had been heard.
void sound_forget(struct sound *sound);

// Take `count` blocks, the first `before` of which are not of the sound that is judged. Write two numbers for each: the
// probability of a voice, and the odds that the sound so far is of words; and the inner values, [SOUND_KINDS][SOUND_UNITS]
// for each, unless `inner` is NULL.
void sound_take(struct sound *sound, const int16_t *blocks, int count, int before, float *judged, float *inner);

// Return the event model, or NULL without memory; `head` are 2 * EVENT_CHANNELS weights and a constant.
struct events *events_new(const struct mel *mel, const struct map_layer *layers, const float *head);
void events_free(struct events *events);

// Return the odds that a sound, which begins at the sample `begin`, is speech, and write what it was judged by,
// [2][EVENT_CHANNELS].
float events_odds(struct events *events, const int16_t *sound, int count, int begin, float *features);

#endif
