/* SPDX-License-Identifier: Apache-2.0 */
#include "session/host_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "cpu/field.h"
#include "cpu/level.h"
#include "seal/identity.h"

#define SYSTEM_FILE "/etc/mig/migctl.conf"
#define HOST_PREFIX "host."
#define ALLOW_MAX 64

static const struct mig_option file_rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
};
static const struct mig_options file_keys = {file_rows, MIG_COUNT(file_rows)};

static struct mig_configured_host *find_host(const struct mig_host_options *h, const char *name)
{
    for (size_t i = 0; i < h->hosts.len; i++) {
        if (strcmp(h->hosts.items[i].name, name) == 0) {
            return &h->hosts.items[i];
        }
    }
    return NULL;
}

static const char *lookup(const void *data, const char *name)
{
    const struct mig_configured_host *host = find_host(data, name);

    return host != NULL ? host->address : NULL;
}

/* A later file replaces what an earlier one said of a name. */
static bool take_host(void *target, const char *key, const char *value, struct mig_error *err)
{
    struct mig_host_options *h = target;
    const char *name = key + strlen(HOST_PREFIX);
    struct mig_configured_host *host;
    struct mig_address address;
    char shown[64];

    (void)snprintf(shown, sizeof shown, "%s", key);
    mig_text_make_printable(shown);
    if (!mig_text_starts(key, HOST_PREFIX)) {
        return mig_fail(err, MIG_USAGE, "unknown key '%s'", shown);
    }
    if (!mig_identity_name_is_valid(name)) {
        return mig_fail(err, MIG_USAGE,
                        "'%s': expected host.NAME, the name in the agent's "
                        "certificate",
                        shown);
    }
    if (!mig_address_parse(value, &address, err)) {
        return mig_wrap(err, "%s", shown);
    }
    if (address.name[0] != '\0' && strcmp(address.name, name) != 0) {
        return mig_fail(err, MIG_USAGE, "%s: pins '%s', another name than its own", shown,
                        address.name);
    }
    host = find_host(h, name);
    if (host == NULL) {
        host = MIG_PUSH(&h->hosts);
        host->name = mig_strdup(name);
    }
    mig_free(host->address);
    host->address = mig_strdup(value);
    return true;
}

static bool load(struct mig_host_options *h, const char *path, struct mig_error *err)
{
    return mig_options_load(&file_keys, path, take_host, h, err);
}

static bool load_if_there(struct mig_host_options *h, const char *path, struct mig_error *err)
{
    return access(path, F_OK) != 0 || load(h, path, err);
}

static bool load_files(struct mig_host_options *h, const char *config, struct mig_error *err)
{
    const char *home = getenv("HOME"), *xdg = getenv("XDG_CONFIG_HOME");
    MIG_AUTO(mig_free) char *own = NULL;

    if (config == NULL || *config == '\0') {
        config = getenv("MIG_CONFIG");
    }
    if (config != NULL && *config != '\0') {
        return load(h, config, err);
    }
    if (xdg != NULL && *xdg == '/') {
        own = mig_strf("%s/mig/migctl.conf", xdg);
    } else if (home != NULL && *home == '/') {
        own = mig_strf("%s/.config/mig/migctl.conf", home);
    }
    return load_if_there(h, SYSTEM_FILE, err) && (own == NULL || load_if_there(h, own, err));
}

/* One word of a comma list after the other; empty ones are skipped. */
static bool each_word(const char *list,
                      bool (*take)(struct mig_host_options *, const char *, struct mig_error *),
                      struct mig_host_options *h, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *copy = mig_strdup(list);
    char *rest = copy, *word;

    while ((word = strsep(&rest, ",")) != NULL) {
        word = mig_text_trim(word);
        if (*word != '\0' && !take(h, word, err)) {
            return false;
        }
    }
    return true;
}

static void list_groups(struct mig_text *t)
{
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        mig_text_addf(t, "%s%s", g == 0 ? "" : ", ", mig_group_name((enum mig_group)g));
    }
}

static bool take_group(struct mig_host_options *h, const char *word, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text known = {0};
    enum mig_group group;

    if (mig_group_parse(word, &group)) {
        h->choice.tolerate[group] = true;
        return true;
    }
    list_groups(&known);
    return mig_fail(err, MIG_USAGE, "tolerate: unknown group '%.40s'; groups are %s", word,
                    known.items);
}

/* The field table owns the names; give back its own spelling. */
static const char *find_opt_in(const char *word)
{
    const struct mig_fields all = mig_field_all();

    for (size_t i = 0; i < all.len; i++) {
        if (all.items[i].opt_in != NULL && strcmp(all.items[i].opt_in, word) == 0) {
            return all.items[i].opt_in;
        }
    }
    return NULL;
}

static bool is_listed(const struct mig_text *t, const char *name)
{
    MIG_AUTO(mig_free) char *list = mig_strf(", %s, ", t->items != NULL ? t->items : "");
    MIG_AUTO(mig_free) char *wanted = mig_strf(", %s, ", name);

    return strstr(list, wanted) != NULL;
}

static void list_opt_ins(struct mig_text *t)
{
    const struct mig_fields all = mig_field_all();

    for (size_t i = 0; i < all.len; i++) {
        if (all.items[i].opt_in != NULL && !is_listed(t, all.items[i].opt_in)) {
            mig_text_addf(t, "%s%s", t->len > 0 ? ", " : "", all.items[i].opt_in);
        }
    }
}

static bool take_allow(struct mig_host_options *h, const char *word, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text known = {0};
    const char *name = find_opt_in(word);

    if (name != NULL && h->choice.allow_len < ALLOW_MAX) {
        h->allow_names[h->choice.allow_len++] = name;
        return true;
    }
    list_opt_ins(&known);
    return mig_fail(err, MIG_USAGE, "allow: '%.40s' is no opt-in feature; they are %s", word,
                    known.items != NULL ? known.items : "none");
}

static bool fill(struct mig_host_options *h, struct mig_error *err)
{
    h->gather = (struct mig_gather){
        .tls = {h->ca, h->cert, h->key, h->crl},
        .timeout_ms = h->timeout_ms,
        .lookup = lookup,
        .lookup_data = h,
    };
    h->belief = (struct mig_belief){
        .allow_unsigned = h->allow_unsigned,
        .max_age_s = (int64_t)(h->max_age_ms / 1000),
    };
    if (h->timeout_ms == 0) {
        return mig_fail(err, MIG_USAGE, "timeout: expected more than 0");
    }
    if (h->minimum != NULL && !mig_level_parse(h->minimum, &h->choice.minimum)) {
        return mig_fail(err, MIG_USAGE, "minimum: unknown level '%.40s'; levels are %s to %s",
                        h->minimum, mig_level_name(1), mig_level_name(4));
    }
    h->allow_names = mig_alloc(ALLOW_MAX, sizeof *h->allow_names);
    h->choice.allow = h->allow_names;
    h->choice.require_complete = h->require_complete;
    return (h->tolerate == NULL || each_word(h->tolerate, take_group, h, err)) &&
           (h->allow == NULL || each_word(h->allow, take_allow, h, err));
}

static void free_hosts(struct mig_host_options *h)
{
    for (size_t i = 0; i < h->hosts.len; i++) {
        mig_free(h->hosts.items[i].name);
        mig_free(h->hosts.items[i].address);
    }
    mig_free(h->hosts.items);
    mig_free((void *)h->allow_names);
    h->allow_names = NULL;
    memset(&h->hosts, 0, sizeof h->hosts);
}

/* The command line is read once on scratch, only to learn --config. */
static bool find_config(const struct mig_options *o, int argc, char **argv, size_t size, char **ret,
                        struct mig_error *err)
{
    struct mig_host_options *scratch = mig_alloc(1, size);
    char **copy = mig_memdup(argv, ((size_t)argc + 1) * sizeof *argv);
    int operands, rest;
    bool good = mig_options_parse(o, argc, copy, scratch, &operands, &rest, err);

    if (good) {
        *ret = mig_steal(&scratch->config);
    }
    mig_options_clear(o, scratch);
    mig_free(scratch);
    mig_free((void *)copy);
    return good;
}

/* Bytes that the rows of @o may write into. */
static size_t target_size(const struct mig_options *o)
{
    size_t size = sizeof(struct mig_host_options);

    for (size_t i = 0; i < o->len; i++) {
        size_t end = o->rows[i].offset + sizeof(uint64_t);

        size = end > size ? end : size;
    }
    return size;
}

bool mig_host_options_parse(const struct mig_options *o, int argc, char **argv,
                            struct mig_host_options *target, struct mig_words *ret,
                            struct mig_error *err)
{
    MIG_AUTO(mig_free) char *config = NULL;
    int operands, rest;

    mig_options_init(o, target);
    if (!find_config(o, argc, argv, target_size(o), &config, err) ||
        !load_files(target, config, err) ||
        !mig_options_parse(o, argc, argv, target, &operands, &rest, err) || !fill(target, err)) {
        return false;
    }
    *ret = (struct mig_words){
        .operands = (const char *const *)(argv + 1),
        .operands_len = (size_t)operands,
        .rest = argv + rest,
        .rest_len = (size_t)(argc - rest),
    };
    return true;
}

void mig_host_options_clear(const struct mig_options *o, struct mig_host_options *target)
{
    free_hosts(target);
    mig_options_clear(o, target);
}
