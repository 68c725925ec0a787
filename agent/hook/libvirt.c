/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: libvirt's hook at the destination of a migration.  It is
 * called four times with an answer that counts, holding the domain's job, so it
 * never asks libvirt or the monitor.
 *
 *   migrate begin   the agreement is found by the domain's UUID and approved at
 *                   this host's agent; a mark says that the guest is to come
 *   start begin     marked: what <cpu> says by now is the contract's
 *   started begin   marked: a scratch guest like the QEMU that waits is shown
 *                   what the contract says; not one byte was sent yet
 *                   not marked: a guest was powered on, its contract is recorded
 *   restore begin   what <cpu> says is held against the contract
 *
 * For a guest that is to come whatever can not be decided is no; for any other
 * one nothing here stops it, unless --restore=refuse says so.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/now.h"
#include "gate/libvirt_event.h"
#include "gate/pending.h"
#include "hook.h"
#include "pact/contract.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/held.h"
#include "session/host_options.h"
#include "session/move.h"
#include "snapshot/import.h"
#include "vmm/domain.h"
#include "vmm/incoming.h"

#define BY_CONTRACT "the guest's contract"
/* libvirt's: name, operation, sub-operation, extra */
#define WORDS 4

struct libvirt {
    struct mig_host_options host; /* first: migctl.conf fills it */
    char *agent, *pending, *restore;
    bool help;

    const char *name;
    enum mig_libvirt_event event;
    struct mig_bytes xml;
    char uuid[MIG_UUID_TEXT]; /* "" until it was read */
    bool marked;
};

#define ROW(name, letter, kind, member, metavar, fallback, help)                                   \
    {                                                                                              \
        name, letter, MIG_OPTION_##kind, offsetof(struct libvirt, member), metavar, fallback, help \
    }

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    ROW("agent", 0, TEXT, agent, "ADDRESS", HOOK_AGENT, "agent of this host, over its unix socket"),
    ROW("restore", 0, TEXT, restore, "POLICY", "warn",
        "a saved guest that is not as its contract says: refuse, warn or off"),
    ROW("pending", 0, TEXT, pending, "FOLDER", MIG_PENDING_PATH,
        "marks of guests that are to come, kept between two calls"),
    ROW("help", 'h', FLAG, help, NULL, NULL, "this text"),
};
static const struct mig_options options = {rows, sizeof rows / sizeof *rows};

static const char *xml_of(const struct libvirt *l)
{
    return (const char *)l->xml.items;
}

/* ---- what the agent has ---- */

static bool open_contract(const struct libvirt *l, const struct mig_bytes *sealed,
                          struct mig_contract **ret, struct mig_error *err)
{
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = NULL;
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;

    if (l->host.ca == NULL) {
        return mig_fail(err, MIG_USAGE, "--ca is needed, here or in the file of --config");
    }
    if (!mig_trust_load(l->host.ca, l->host.crl, &trust, err) ||
        !mig_seal_open(trust, MIG_PAYLOAD_CONTRACT, sealed->items, sealed->len, &payload, err) ||
        !mig_contract_decode(payload, &c, err)) {
        return false;
    }
    if (strcmp(c->vm, l->uuid) != 0) {
        return mig_fail(err, MIG_TRUST, "the agent gave the contract of '%s'", c->vm);
    }
    *ret = mig_steal(&c);
    return true;
}

/* Of a guest that is on its way here. */
static bool get_incoming(const struct libvirt *l, struct mig_contract **ret, struct mig_error *err)
{
    struct mig_held held = {.standing = MIG_STANDING_NONE};
    bool good = mig_held_get_incoming(&l->host.gather, l->agent, l->uuid, &held, err) &&
                open_contract(l, &held.sealed, ret, err);

    mig_bytes_clear(&held.sealed);
    return good || mig_wrap(err, "no agreement on moving it here");
}

/* Of one that is, or was, here. */
static bool get_contract(const struct libvirt *l, struct mig_contract **ret, struct mig_error *err)
{
    struct mig_held held = {.standing = MIG_STANDING_NONE};
    bool good = mig_held_get(&l->host.gather, l->agent, l->uuid, NULL, &held, err) &&
                open_contract(l, &held.sealed, ret, err);

    mig_bytes_clear(&held.sealed);
    return good;
}

static bool check_xml(const struct libvirt *l, const struct mig_contract *c, struct mig_error *err)
{
    MIG_AUTO(mig_domain_clear) struct mig_domain d = {.root = NULL};

    return mig_domain_read_early(xml_of(l), l->xml.len, &d, err) &&
           mig_domain_check(&d, c->shown, BY_CONTRACT, err);
}

/* ---- the four moments ---- */

static bool admit(struct libvirt *l, struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;

    return get_incoming(l, &c, err) && check_xml(l, c, err) &&
           mig_move_approve_waiting(&l->host.gather, l->agent, c->vm, c->instance, err) &&
           mig_pending_set(l->pending, l->uuid, c->instance, err);
}

static bool start(struct libvirt *l, struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;

    return !l->marked || (get_incoming(l, &c, err) && check_xml(l, c, err));
}

static bool check_waiting(struct libvirt *l, struct mig_error *err)
{
    const struct mig_recorder how = {.now = mig_now_unix()};
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    struct mig_findings list = {0};
    bool good;

    if (!get_incoming(l, &c, err)) {
        return false;
    }
    good = mig_libvirt_check_incoming(&how, xml_of(l), l->xml.len, c, &list, err) &&
           (list.len == 0 || mig_incoming_refuse(&list, err));
    mig_findings_clear(&list);
    return good;
}

static bool record(struct libvirt *l, struct mig_error *err)
{
    const struct mig_recorder how = {.now = mig_now_unix()};
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    struct mig_held held = {.standing = MIG_STANDING_NONE};
    bool good = mig_libvirt_record(&how, xml_of(l), l->xml.len, 0, &c, err) &&
                mig_held_put(&l->host.gather, l->agent, c, &held, err);

    mig_bytes_clear(&held.sealed);
    return good || mig_wrap(err, "its contract was not recorded, and it can not move");
}

static bool started(struct libvirt *l, struct mig_error *err)
{
    if (!l->marked) {
        return record(l, err);
    }
    if (!check_waiting(l, err)) {
        return false;
    }
    mig_pending_remove(l->pending, l->uuid);
    return true;
}

static bool restore(struct libvirt *l, struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;

    return strcmp(l->restore, "off") == 0 || (get_contract(l, &c, err) && check_xml(l, c, err));
}

/* What is wrong is no reason to stop this guest. */
static bool is_open(const struct libvirt *l)
{
    switch (l->event) {
    case MIG_LIBVIRT_START:
    case MIG_LIBVIRT_STARTED:
        return !l->marked;
    case MIG_LIBVIRT_RESTORE:
        return l->restore == NULL || strcmp(l->restore, "warn") == 0 ||
               strcmp(l->restore, "off") == 0;
    case MIG_LIBVIRT_ADMIT:
    case MIG_LIBVIRT_IGNORE:
    case MIG_LIBVIRT_EVENT_COUNT:
        break;
    }
    return false;
}

/* ---- one call ---- */

static const char *folder_of(const struct libvirt *l)
{
    return l->pending != NULL ? l->pending : MIG_PENDING_PATH;
}

static bool read_domain(struct libvirt *l, struct mig_error *err)
{
    if (!mig_file_read("-", MIG_IMPORT_BYTES_MAX, &l->xml, err) ||
        !mig_domain_uuid(xml_of(l), l->xml.len, l->uuid, err)) {
        l->marked = mig_pending_any(folder_of(l), mig_now_unix()); /* it may be that one */
        return false;
    }
    l->marked = mig_pending_is_set(folder_of(l), l->uuid, mig_now_unix());
    return true;
}

static bool check_options(const struct libvirt *l, struct mig_error *err)
{
    return strcmp(l->restore, "refuse") == 0 || strcmp(l->restore, "warn") == 0 ||
           strcmp(l->restore, "off") == 0 ||
           mig_fail(err, MIG_USAGE, "restore '%s': expected refuse, warn or off", l->restore);
}

static bool act(struct libvirt *l, struct mig_error *err)
{
    static bool (*const acts[MIG_LIBVIRT_EVENT_COUNT])(struct libvirt *, struct mig_error *) = {
        [MIG_LIBVIRT_ADMIT] = admit,
        [MIG_LIBVIRT_START] = start,
        [MIG_LIBVIRT_STARTED] = started,
        [MIG_LIBVIRT_RESTORE] = restore,
    };

    return acts[l->event](l, err);
}

/* The mark first: what goes wrong with the options must not let a guest in that
 * is to come.  A bad file may have hidden where the command line has the marks. */
static bool run(struct libvirt *l, int argc, char **argv, struct mig_error *err)
{
    struct mig_words words;
    struct mig_error why, unused;
    int operands, rest;
    bool parsed = mig_host_options_parse(&options, argc, argv, &l->host, &words, &why);

    if (!parsed && !mig_options_parse(&options, argc, argv, l, &operands, &rest, &unused)) {
        mig_log_warn("domain %.60s: %s", l->name, unused.msg);
    }
    mig_log_init("mig-hook", l->host.verbose ? MIG_LOG_INFO : MIG_LOG_WARN);
    if (!read_domain(l, err)) {
        return false;
    }
    if (!parsed) {
        *err = why;
        return false;
    }
    return check_options(l, err) && act(l, err);
}

static int call(struct libvirt *l, int argc, char **argv)
{
    struct mig_error err;
    int status = 0;

    if (!run(l, argc, argv, &err)) {
        bool open = is_open(l);

        (void)mig_wrap(&err, "domain %.60s", l->name);
        if (open) {
            mig_log_warn("%s", err.msg);
        } else {
            status = hook_fail(&err);
            mig_pending_remove(folder_of(l), l->uuid);
        }
    }
    mig_bytes_clear(&l->xml);
    mig_host_options_clear(&options, &l->host);
    return status;
}

int libvirt_run(int argc, char **argv)
{
    struct libvirt l = {.uuid = ""};
    struct mig_error err;

    if (hook_helps(argc, argv, &options)) {
        return 0;
    }
    if (argc <= WORDS) {
        (void)mig_fail(&err, MIG_USAGE,
                       "usage: mig-hook libvirt [options] [--] NAME OPERATION SUBOPERATION EXTRA");
        return hook_fail(&err);
    }
    l.name = argv[argc - WORDS];
    l.event = mig_libvirt_event_find(argv[argc - WORDS + 1], argv[argc - WORDS + 2]);
    return l.event == MIG_LIBVIRT_IGNORE ? 0 : call(&l, argc, argv);
}
