/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: a record is one write() at the end of the file, so that
 * writers do not mix and a rotated file is followed at once.  What a killed
 * writer left without a line's end is ended by the next one.
 */
#include "pact/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "snapshot/node.h"

/* What is not known is left out; what others said is made fit for a terminal. */
static void put_text(json_t *object, const char *key, const char *text)
{
    MIG_AUTO(mig_free) char *clean = mig_strdup(text != NULL ? text : "");

    mig_text_make_printable(clean);
    mig_node_put_text(object, key, clean);
}

char *mig_audit_to_json(const struct mig_audit *a)
{
    MIG_AUTO(mig_node_free) json_t *root = json_object();
    char *text;

    mig_node_put(root, "apiVersion", json_string("migctl/v1"));
    mig_node_put(root, "kind", json_string("AuditRecord"));
    mig_node_put(root, "at", json_integer(a->at));
    put_text(root, "host", a->host);
    put_text(root, "who", a->who);
    put_text(root, "from", a->from);
    put_text(root, "what", a->what);
    put_text(root, "vm", a->vm);
    put_text(root, "instance", a->instance);
    put_text(root, "source", a->source);
    put_text(root, "destination", a->destination);
    if (a->has_agreement) {
        mig_node_put_bytes(root, "agreement", a->agreement, MIG_DIGEST_BYTES);
        mig_node_put_bytes(root, "contract", a->contract, MIG_DIGEST_BYTES);
    }
    put_text(root, "verdict", a->verdict);
    mig_node_put(root, "result", json_string(a->result == MIG_OK ? "done" : "refused"));
    put_text(root, "reason", a->reason);
    text = json_dumps(root, JSON_COMPACT | JSON_SORT_KEYS);
    MIG_ASSERT(text != NULL);
    return text;
}

static bool make_folder_of(const char *path, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *folder = mig_strdup(path);
    char *slash = strrchr(folder, '/');

    if (slash == NULL || slash == folder) {
        return true;
    }
    *slash = '\0';
    return mig_file_make_folder(folder, 0750, err);
}

/* Is the last line whole? */
static bool ends_well(int fd)
{
    struct stat st;
    char last = '\n';

    return fstat(fd, &st) == 0 &&
           (st.st_size == 0 || (pread(fd, &last, 1, st.st_size - 1) == 1 && last == '\n'));
}

bool mig_audit_append(const char *path, const struct mig_audit *a, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *json = mig_audit_to_json(a);
    MIG_AUTO(mig_text_clear) struct mig_text line = {0};
    MIG_AUTO(mig_fd_close) int fd = -1;

    if (!make_folder_of(path, err)) {
        return mig_wrap(err, "audit");
    }
    fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd < 0) {
        return mig_fail_errno(err, MIG_IO, "audit %s", path);
    }
    mig_text_addf(&line, "%s%s\n", ends_well(fd) ? "" : "\n", json);
    return mig_fd_write(fd, path, line.items, line.len, err) &&
           (fdatasync(fd) == 0 || mig_fail_errno(err, MIG_IO, "audit %s", path));
}

/* ---- reading ---- */

static const char *text_of(const json_t *root, const char *key)
{
    const char *text = json_string_value(json_object_get(root, key));

    return text != NULL ? text : "";
}

static bool read_line(const char *text, mig_audit_fn *fn, void *data, struct mig_error *err)
{
    MIG_AUTO(mig_node_free)
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    struct mig_audit_line line = {
        .at = json_integer_value(json_object_get(root, "at")),
        .host = text_of(root, "host"),
        .who = text_of(root, "who"),
        .what = text_of(root, "what"),
        .vm = text_of(root, "vm"),
        .instance = text_of(root, "instance"),
        .source = text_of(root, "source"),
        .destination = text_of(root, "destination"),
        .agreement = text_of(root, "agreement"),
        .verdict = text_of(root, "verdict"),
        .result = text_of(root, "result"),
        .reason = text_of(root, "reason"),
        .json = text,
    };

    if (strcmp(text_of(root, "kind"), "AuditRecord") != 0 || line.at <= 0 || line.what[0] == '\0' ||
        line.result[0] == '\0') {
        return mig_fail(err, MIG_FORMAT, "expected an AuditRecord with at, what and result");
    }
    fn(&line, data);
    return true;
}

static bool read_all(FILE *f, const char *path, mig_audit_fn *fn, void *data, struct mig_error *err)
{
    char text[MIG_AUDIT_LINE_MAX];
    struct mig_error why;
    bool good = true;

    for (unsigned long number = 1; fgets(text, sizeof text, f) != NULL; number++) {
        size_t len = strlen(text);
        bool whole = len > 0 && text[len - 1] == '\n';

        if (whole && len == 1) {
            continue;
        }
        text[len - (whole ? 1 : 0)] = '\0';
        if (!read_line(text, fn, data, &why) && good) {
            good = mig_fail(err, MIG_FORMAT, "%s: line %lu: %s%s", path, number, why.msg,
                            whole ? "" : ", and the line's end");
        }
    }
    return good && (!ferror(f) || mig_fail_errno(err, MIG_IO, "%s", path));
}

bool mig_audit_read(const char *path, mig_audit_fn *fn, void *data, struct mig_error *err)
{
    FILE *f = fopen(path, "re");
    bool good;

    if (f == NULL) {
        return mig_fail_errno(err, MIG_IO, "%s", path);
    }
    good = read_all(f, path, fn, data, err);
    (void)fclose(f);
    return good;
}
