// ALSA ctl ioplug "edgevoice": the mixer of the virtual card, with one volume in dB and no hardware behind it.
//
// The level is an int32 in a file, so that a test sees what was set and turns it by hand; libasound reports a change of the
// file as a card reports that of a control. Not modelled: channels that differ, switches, and a card that takes its time.
//
//   ctl.speaker { type edgevoice control "PCM" level "/run/card/mixer.level" unplugged "/run/card/unplugged"
//                 lowest_cdb -6000 step_cdb 100 steps 60 }
//
//   control     what `amixer scontrols` calls it.
//   level       file of the level in steps, 0 to `steps`; it must be there.
//   unplugged   while this file exists every call fails with ENODEV.
//   lowest_cdb  what level 0 is, in hundredths of a dB; each of the `steps` adds `step_cdb`.

#include <alsa/asoundlib.h>
#include <alsa/control_external.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

struct mixer {
    snd_ctl_ext_t ext;
    char control[64];
    char unplugged[4096];
    long steps;
    unsigned int scale[4];
    int level;
    bool is_subscribed;
};

static bool is_gone(const struct mixer *mixer) { return access(mixer->unplugged, F_OK) == 0; }

static int elem_count(snd_ctl_ext_t *ext) { return is_gone(ext->private_data) ? -ENODEV : 1; }

static int elem_list(snd_ctl_ext_t *ext, unsigned int offset, snd_ctl_elem_id_t *id)
{
    struct mixer *mixer = ext->private_data;
    if (offset)
        return -EINVAL;
    snd_ctl_elem_id_set_interface(id, SND_CTL_ELEM_IFACE_MIXER);
    snd_ctl_elem_id_set_name(id, mixer->control);
    return 0;
}

static snd_ctl_ext_key_t find_elem(snd_ctl_ext_t *ext, const snd_ctl_elem_id_t *id)
{
    struct mixer *mixer = ext->private_data;
    unsigned int number = snd_ctl_elem_id_get_numid(id);
    bool is_it = number ? number == 1 : strcmp(snd_ctl_elem_id_get_name(id), mixer->control) == 0;
    return is_it ? 0 : SND_CTL_EXT_KEY_NOT_FOUND;
}

static int get_attribute(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, int *type, unsigned int *access, unsigned int *count)
{
    (void)ext, (void)key;
    *type = SND_CTL_ELEM_TYPE_INTEGER;
    *access = SND_CTL_EXT_ACCESS_READWRITE | SND_CTL_EXT_ACCESS_TLV_READ;
    *count = 1;
    return 0;
}

static int get_integer_info(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *least, long *most, long *step)
{
    (void)key;
    *least = 0;
    *most = ((struct mixer *)ext->private_data)->steps;
    *step = 1;
    return 0;
}

static int read_integer(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value)
{
    struct mixer *mixer = ext->private_data;
    int32_t level = 0;
    (void)key;
    if (is_gone(mixer) || pread(mixer->level, &level, sizeof level, 0) != sizeof level)
        return -ENODEV;
    *value = level;
    return 0;
}

static int write_integer(snd_ctl_ext_t *ext, snd_ctl_ext_key_t key, long *value)
{
    struct mixer *mixer = ext->private_data;
    int32_t level = (int32_t)*value;
    long before;
    int error = read_integer(ext, key, &before);
    if (error < 0)
        return error;
    if (level < 0 || level > mixer->steps)
        return -EINVAL;
    return before == level ? 0 : pwrite(mixer->level, &level, sizeof level, 0) == sizeof level ? 1 : -ENODEV;
}

static void subscribe_events(snd_ctl_ext_t *ext, int subscribe)
{
    ((struct mixer *)ext->private_data)->is_subscribed = subscribe;
}

static int read_event(snd_ctl_ext_t *ext, snd_ctl_elem_id_t *id, unsigned int *event_mask)
{
    struct mixer *mixer = ext->private_data;
    char events[1024];
    if (is_gone(mixer))
        return -ENODEV;
    if (read(ext->poll_fd, events, sizeof events) <= 0 || !mixer->is_subscribed)
        return -EAGAIN;
    elem_list(ext, 0, id);
    snd_ctl_elem_id_set_numid(id, 1);
    *event_mask = SND_CTL_EVENT_MASK_VALUE;
    return 1;
}

static void close_mixer(snd_ctl_ext_t *ext)
{
    struct mixer *mixer = ext->private_data;
    close(mixer->level);
    close(ext->poll_fd);
    free(mixer);
}

static const snd_ctl_ext_callback_t callbacks = {
    .close = close_mixer,
    .elem_count = elem_count,
    .elem_list = elem_list,
    .find_elem = find_elem,
    .get_attribute = get_attribute,
    .get_integer_info = get_integer_info,
    .read_integer = read_integer,
    .write_integer = write_integer,
    .subscribe_events = subscribe_events,
    .read_event = read_event,
};

SND_CTL_PLUGIN_DEFINE_FUNC(edgevoice)
{
    snd_config_iterator_t i, next;
    const char *control = "PCM", *level = NULL, *unplugged = "";
    long lowest_cdb = -6000, step_cdb = 100, steps = 60;
    (void)root;
    snd_config_for_each(i, next, conf) {
        snd_config_t *each = snd_config_iterator_entry(i);
        const char *id;
        if (snd_config_get_id(each, &id) < 0 || !strcmp(id, "type") || !strcmp(id, "comment") || !strcmp(id, "hint"))
            continue;
        int error = !strcmp(id, "control")      ? snd_config_get_string(each, &control)
                    : !strcmp(id, "level")      ? snd_config_get_string(each, &level)
                    : !strcmp(id, "unplugged")  ? snd_config_get_string(each, &unplugged)
                    : !strcmp(id, "lowest_cdb") ? snd_config_get_integer(each, &lowest_cdb)
                    : !strcmp(id, "step_cdb")   ? snd_config_get_integer(each, &step_cdb)
                    : !strcmp(id, "steps")      ? snd_config_get_integer(each, &steps)
                                                : -EINVAL;
        if (error < 0) {
            SNDERR("ctl edgevoice: unknown field or wrong value: %s", id);
            return error;
        }
    }
    if (!level) {
        SNDERR("ctl edgevoice: it needs the file of its level");
        return -EINVAL;
    }
    if (access(unplugged, F_OK) == 0)
        return -ENODEV;
    struct mixer *mixer = calloc(1, sizeof *mixer);
    if (!mixer)
        return -ENOMEM;
    mixer->level = open(level, O_RDWR | O_CLOEXEC);
    mixer->ext.poll_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    int error = mixer->level < 0 || mixer->ext.poll_fd < 0 ? -errno : 0;
    if (!error && inotify_add_watch(mixer->ext.poll_fd, level, IN_MODIFY) < 0)
        error = -errno;
    snprintf(mixer->control, sizeof mixer->control, "%s Playback Volume", control);
    snprintf(mixer->unplugged, sizeof mixer->unplugged, "%s", unplugged);
    mixer->steps = steps;
    unsigned int scale[] = {SND_CTL_TLVT_DB_SCALE, 2 * sizeof(unsigned int), (unsigned int)lowest_cdb,
                            (unsigned int)step_cdb & 0xffff};
    memcpy(mixer->scale, scale, sizeof scale);
    mixer->ext.version = SND_CTL_EXT_VERSION;
    strcpy(mixer->ext.id, "edgevoice");
    strcpy(mixer->ext.driver, "edgevoice");
    strcpy(mixer->ext.name, "edgevoice virtual card");
    strcpy(mixer->ext.longname, "edgevoice virtual card");
    strcpy(mixer->ext.mixername, "edgevoice virtual mixer");
    mixer->ext.tlv.p = mixer->scale;
    mixer->ext.callback = &callbacks;
    mixer->ext.private_data = mixer;
    if (!error)
        error = snd_ctl_ext_create(&mixer->ext, name, mode);
    if (error < 0) {
        if (mixer->level >= 0)
            close(mixer->level);
        if (mixer->ext.poll_fd >= 0)
            close(mixer->ext.poll_fd);
        free(mixer);
        return error;
    }
    *handlep = mixer->ext.handle;
    return 0;
}

SND_CTL_PLUGIN_SYMBOL(edgevoice);
