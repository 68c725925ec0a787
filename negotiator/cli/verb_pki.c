/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/now.h"
#include "base/options.h"
#include "pki/check.h"
#include "pki/date.h"
#include "pki/issue.h"
#include "pki/revoke.h"
#include "pki/show.h"
#include "verb.h"

#define EXIT_PROBLEM 1
#define AUTHORITY_DAYS 3650
#define LEAF_DAYS 365
#define DAYS_MAX 36500
/* The clock of a host that was just installed is seldom right. */
#define BACKDATE_S 3600

struct pki_options {
    char *name, *dns, *ip, *from, *to, *ca, *cert, *key, *crl;
    uint64_t days; /* 0: not given */
    bool replace, help;
};

#define ROW(name, kind, member, metavar, help)                                                     \
    {                                                                                              \
        name, 0, MIG_OPTION_##kind, offsetof(struct pki_options, member), metavar, NULL, help      \
    }
#define ROWS_WINDOW                                                                                \
    ROW("days", NUMBER, days, "N", "how long it is valid"),                                        \
        ROW("valid-from", TEXT, from, "DATE", "2026-11-21 or 2026-11-21T08:30:00Z (an hour ago)"), \
        ROW("valid-to", TEXT, to, "DATE", "instead of --days")
#define ROW_REPLACE ROW("replace", FLAG, replace, NULL, "write over files that exist")
#define ROW_HELP                                                                                   \
    {                                                                                              \
        "help", 'h', MIG_OPTION_FLAG, offsetof(struct pki_options, help), NULL, NULL, "this text"  \
    }

static const struct mig_option init_rows[] = {
    ROW("name", TEXT, name, "TEXT", "of the authority (Fleet CA)"),
    ROWS_WINDOW,
    ROW_REPLACE,
    ROW_HELP,
};
static const struct mig_option issue_rows[] = {
    ROW("dns", LIST, dns, "NAME", "a name under which the agent is reached; may repeat"),
    ROW("ip", LIST, ip, "ADDR", "an address under which the agent is reached; may repeat"),
    ROWS_WINDOW,
    ROW_REPLACE,
    ROW_HELP,
};
static const struct mig_option check_rows[] = {
    ROW("ca", TEXT, ca, "FILE", "authorities to trust"),
    ROW("crl", TEXT, crl, "FILE", "revocation lists"),
    ROW("cert", TEXT, cert, "FILE", "certificate, then intermediates"),
    ROW("key", TEXT, key, "FILE", "private key"),
    ROW_HELP,
};
static const struct mig_option bare_rows[] = {ROW_HELP};

static bool choose_window(const struct pki_options *o, uint64_t days, struct mig_window *ret,
                          struct mig_error *err)
{
    struct mig_window w = {.from = mig_now_unix() - BACKDATE_S};

    if (o->days > DAYS_MAX) {
        return mig_fail(err, MIG_USAGE, "--days: expected 1 to %d", DAYS_MAX);
    }
    if (o->days != 0 && o->to != NULL) {
        return mig_fail(err, MIG_USAGE, "--days and --valid-to exclude each other");
    }
    if (o->from != NULL && !mig_date_parse(o->from, &w.from, err)) {
        return mig_wrap(err, "--valid-from");
    }
    w.to = (o->from != NULL ? w.from : mig_now_unix()) + (int64_t)days * MIG_DAY_S;
    if (o->to != NULL && !mig_date_parse(o->to, &w.to, err)) {
        return mig_wrap(err, "--valid-to");
    }
    if (w.to <= w.from) {
        return mig_fail(err, MIG_USAGE, "--valid-to: not after --valid-from");
    }
    *ret = w;
    return true;
}

static void say_made(const char *dir, const char *name, const struct mig_window *w)
{
    MIG_AUTO(mig_text_clear) struct mig_text dates = {0};

    mig_show_window(w->from, w->to, mig_now_unix(), &dates);
    (void)printf("%s/%s-cert.pem: valid %s\n", dir, name, dates.items);
    (void)printf("%s/%s-key.pem: private key, keep it secret\n", dir, name);
}

static int run_init(const struct pki_options *o, char **words, int len __attribute__((unused)))
{
    const char *name = o->name != NULL ? o->name : "Fleet CA";
    struct mig_window w;
    struct mig_error err;

    if (!choose_window(o, o->days != 0 ? o->days : AUTHORITY_DAYS, &w, &err) ||
        !mig_issue_authority(words[0], name, &w, o->replace, &err)) {
        return verb_fail(&err);
    }
    say_made(words[0], "ca", &w);
    (void)printf("%s/crl.pem: revocation list, empty\n", words[0]);
    return 0;
}

/* What was not asked for ends with the authority at the latest. */
static bool leaf_window(const char *dir, const struct pki_options *o, struct mig_window *ret,
                        struct mig_error *err)
{
    struct mig_window w, authority;

    if (!choose_window(o, o->days != 0 ? o->days : LEAF_DAYS, &w, err) ||
        !mig_issue_authority_window(dir, &authority, err)) {
        return false;
    }
    if (o->days == 0 && o->to == NULL && w.to > authority.to && authority.to > w.from) {
        w.to = authority.to;
    }
    *ret = w;
    return true;
}

static int run_issue(const struct pki_options *o, char **words, int len __attribute__((unused)))
{
    struct mig_leaf leaf = {.name = words[2], .dns = o->dns, .ip = o->ip, .replace = o->replace};
    struct mig_error err;

    if (!mig_role_parse(words[1], &leaf.role)) {
        (void)mig_fail(&err, MIG_USAGE,
                       "pki issue: unknown role '%s', expected agent, negotiator, operator or hook",
                       words[1]);
        return verb_fail(&err);
    }
    if (!leaf_window(words[0], o, &leaf.window, &err) || !mig_issue_leaf(words[0], &leaf, &err)) {
        return verb_fail(&err);
    }
    say_made(words[0], leaf.name, &leaf.window);
    return 0;
}

static int run_show(const struct pki_options *o __attribute__((unused)), char **words, int len)
{
    struct mig_error err;
    int status = 0;

    for (int i = 0; i < len; i++) {
        MIG_AUTO(mig_text_clear) struct mig_text text = {0};

        if (mig_show_file(words[i], mig_now_unix(), &text, &err)) {
            (void)fputs(text.items, stdout);
        } else {
            status = verb_fail(&err);
        }
    }
    return status;
}

static int print_check(const struct mig_check_files *files)
{
    struct mig_check c = {0};
    const char *section = "";
    int status;

    mig_check_files(files, mig_now_unix(), &c);
    for (size_t i = 0; i < c.len; i++) {
        bool same = strcmp(section, c.items[i].section) == 0;

        section = c.items[i].section;
        (void)printf("%-11s  %s  %s\n", same ? "" : section,
                     mig_check_result_name(c.items[i].result), c.items[i].text);
    }
    status = mig_check_worst(&c) == MIG_CHECK_FAIL ? EXIT_PROBLEM : 0;
    mig_check_clear(&c);
    return status;
}

static int run_check(const struct pki_options *o, char **words, int len)
{
    bool named = o->ca != NULL && o->cert != NULL && o->key != NULL;
    bool any = o->ca != NULL || o->cert != NULL || o->key != NULL || o->crl != NULL;
    struct mig_error err;

    if (len == 0 && named) {
        return print_check(&(struct mig_check_files){o->ca, o->cert, o->key, o->crl});
    }
    if (len == 2 && !any) {
        MIG_AUTO(mig_free) char *ca = mig_strf("%s/ca-cert.pem", words[0]);
        MIG_AUTO(mig_free) char *crl = mig_strf("%s/crl.pem", words[0]);
        MIG_AUTO(mig_free) char *cert = mig_strf("%s/%s-cert.pem", words[0], words[1]);
        MIG_AUTO(mig_free) char *key = mig_strf("%s/%s-key.pem", words[0], words[1]);

        return print_check(
            &(struct mig_check_files){ca, cert, key, access(crl, F_OK) == 0 ? crl : NULL});
    }
    (void)mig_fail(&err, MIG_USAGE,
                   "pki check: expected DIR NAME, or the three of --ca, --cert and --key");
    return verb_fail(&err);
}

static int run_revoke(const struct pki_options *o __attribute__((unused)), char **words,
                      int len __attribute__((unused)))
{
    struct mig_error err;

    if (!mig_revoke_identity(words[0], words[1], mig_now_unix(), &err)) {
        return verb_fail(&err);
    }
    (void)printf("%s/crl.pem: holds %s now; give it to every host\n", words[0], words[1]);
    return 0;
}

#define SUBVERB(name, usage, least, most, rows, run, text)                                         \
    {                                                                                              \
        name, usage, text, least, most, {rows, MIG_COUNT(rows)}, run                               \
    }

static const struct subverb {
    const char *name, *usage, *text;
    int least, most; /* operands */
    struct mig_options options;
    int (*run)(const struct pki_options *o, char **words, int len);
} subverbs[] = {
    SUBVERB("init", "DIR", 1, 1, init_rows, run_init, "make an authority"),
    SUBVERB("issue", "DIR ROLE NAME", 3, 3, issue_rows, run_issue, "make a key and a certificate"),
    SUBVERB("show", "FILE...", 1, INT_MAX, bare_rows, run_show,
            "print certificates and revocation lists"),
    SUBVERB("check", "DIR NAME", 0, 2, check_rows, run_check,
            "find what is wrong; exit 1 if anything is"),
    SUBVERB("revoke", "DIR NAME", 2, 2, bare_rows, run_revoke,
            "put a certificate on the revocation list"),
};

static void help(void)
{
    (void)puts("usage: migctl pki COMMAND ...\n\n"
               "A small certificate authority for a site without its own: DIR holds its files.\n"
               "ROLE is agent, negotiator, operator or hook.\n");
    for (size_t i = 0; i < MIG_COUNT(subverbs); i++) {
        const struct subverb *s = &subverbs[i];

        (void)printf("  %-7s %-15s %s\n", s->name, s->usage, s->text);
    }
    (void)puts("\n'migctl pki COMMAND --help' tells more.");
}

static int run_subverb(const struct subverb *s, int argc, char **argv)
{
    struct pki_options o = {0};
    int len = 0, rest = 0, status;
    struct mig_error err;

    mig_options_init(&s->options, &o);
    if (!mig_options_parse(&s->options, argc, argv, &o, &len, &rest, &err)) {
        (void)mig_wrap(&err, "pki %s", s->name);
        status = verb_fail(&err);
    } else if (o.help) {
        (void)printf("usage: migctl pki %s [options] %s\n\n%s\n\n", s->name, s->usage, s->text);
        mig_options_help(&s->options, stdout);
        status = 0;
    } else if (len < s->least || len > s->most || rest < argc) {
        (void)mig_fail(&err, MIG_USAGE, "pki %s: expected %s", s->name, s->usage);
        status = verb_fail(&err);
    } else {
        status = s->run(&o, argv + 1, len);
    }
    mig_options_clear(&s->options, &o);
    return status;
}

static int run_named(int argc, char **argv)
{
    struct mig_error err;

    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        help();
        return 0;
    }
    for (size_t i = 0; argc > 1 && i < MIG_COUNT(subverbs); i++) {
        if (strcmp(argv[1], subverbs[i].name) == 0) {
            return run_subverb(&subverbs[i], argc - 1, argv + 1);
        }
    }
    (void)mig_fail(&err, MIG_USAGE, "pki: expected init, issue, show, check or revoke%s%s%s",
                   argc > 1 ? ", got '" : "", argc > 1 ? argv[1] : "", argc > 1 ? "'" : "");
    return verb_fail(&err);
}

static int run(int argc, char **argv)
{
    int status = run_named(argc, argv);
    struct mig_error err;

    if (fflush(stdout) != 0 && status == 0) {
        (void)mig_fail_errno(&err, MIG_IO, "standard output");
        return verb_fail(&err);
    }
    return status;
}

const struct verb verb_pki = {
    "pki", "a small certificate authority: init, issue, show, check, revoke", run};
