// The floor of `bench limits`: a program that does nothing but take what a microphone captures, woken for every so many
// frames. Usage: floor PCM FRAMES. Ends by a signal, or with 1 if the card cannot be read.

#include <alsa/asoundlib.h>
#include <stdlib.h>

#define PERIOD 320
#define RATE_HZ 16000

int main(int count, char **arguments)
{
    static short samples[4 * PERIOD];
    snd_pcm_t *pcm;
    snd_pcm_sw_params_t *software;
    snd_pcm_uframes_t frames = count == 3 ? (snd_pcm_uframes_t)atol(arguments[2]) : 0;
    if (!frames || frames > 4 * PERIOD || snd_pcm_open(&pcm, arguments[1], SND_PCM_STREAM_CAPTURE, 0) < 0)
        return 1;
    // 320 ms of buffer, in which alsa-lib chooses the period.
    if (snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED, 1, RATE_HZ, 0, 320000) < 0)
        return 1;
    snd_pcm_sw_params_alloca(&software);
    if (snd_pcm_sw_params_current(pcm, software) < 0 || snd_pcm_sw_params_set_avail_min(pcm, software, frames) < 0 ||
        snd_pcm_sw_params(pcm, software) < 0 || snd_pcm_start(pcm) < 0)
        return 1;
    while (snd_pcm_wait(pcm, 1000) > 0 && snd_pcm_readi(pcm, samples, frames) > 0)
        continue;
    return 1;
}
