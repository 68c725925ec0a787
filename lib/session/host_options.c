/* SPDX-License-Identifier: Apache-2.0 */
#include "session/host_options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/text.h"
#include "cpu/wordlist.h"
#include "seal/identity.h"

#define SYSTEM_FILE "/etc/mig/migctl.conf"
#define HOST_PREFIX "host."

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

static bool read_lists(struct mig_host_options *h, struct mig_error *err)
{
    if (h->tolerate != NULL && !mig_wordlist_groups(h->tolerate, h->choice.tolerate, err)) {
        return mig_wrap(err, "tolerate");
    }
    h->allow_names = mig_alloc(MIG_OPT_INS_MAX, sizeof *h->allow_names);
    h->choice.allow = h->allow_names;
    return h->allow == NULL ||
           mig_wordlist_opt_ins(h->allow, h->allow_names, &h->choice.allow_len, err) ||
           mig_wrap(err, "allow");
}

static bool read_policy(struct mig_host_options *h, struct mig_error *err)
{
    h->belief.policy_file = h->policy != NULL ? h->policy : MIG_POLICY_PATH;
    h->belief.policy = &h->site;
    return mig_policy_load(h->belief.policy_file, &h->site, err);
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
    if (h->minimum != NULL && !mig_wordlist_levels(h->minimum, &h->choice.minimum, err)) {
        return mig_wrap(err, "minimum");
    }
    h->choice.require_complete = h->require_complete;
    return read_lists(h, err) && read_policy(h, err);
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
    mig_policy_clear(&h->site);
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
