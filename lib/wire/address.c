/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/address.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define LETTERS_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define NAME_CHARS LETTERS_DIGITS ".-_"
#define V6_CHARS "0123456789abcdefABCDEF:.%" LETTERS_DIGITS
#define UNIX_PREFIX "unix:"
/* Longer words in messages are cut, not refused. */
#define SHOWN 200

static bool is_word(const char *s, size_t len, const char *chars)
{
    return len > 0 && strspn(s, chars) >= len;
}

static bool copy(const char *from, size_t len, char *ret, size_t size)
{
    if (len >= size) {
        return false;
    }
    memcpy(ret, from, len);
    ret[len] = '\0';
    return true;
}

/* "NAME@rest": the length of NAME, or 0. */
static size_t name_length(const char *text)
{
    const char *at = strchr(text, '@');

    return at == NULL || !is_word(text, (size_t)(at - text), NAME_CHARS) ? 0 : (size_t)(at - text);
}

bool mig_address_looks_like(const char *text)
{
    size_t name = name_length(text);
    const char *rest = name > 0 ? text + name + 1 : text;
    const char *colon = strrchr(rest, ':');

    if (mig_text_starts(rest, UNIX_PREFIX)) {
        return true;
    }
    if (strchr(rest, '/') != NULL) {
        return false;
    }
    if (name > 0 || rest[0] == '[') {
        return true;
    }
    return colon != NULL && colon != rest && is_word(colon + 1, strlen(colon + 1), "0123456789");
}

static bool parse_unix(const char *path, struct mig_address *ret, struct mig_error *err)
{
    if (path[0] != '/') {
        return mig_fail(err, MIG_USAGE, "path of a unix address must start with '/'");
    }
    if (!copy(path, strlen(path), ret->path, sizeof ret->path)) {
        return mig_fail(err, MIG_USAGE, "path of a unix address is longer than %zu bytes",
                        sizeof ret->path - 1);
    }
    return true;
}

static bool parse_port(const char *text, struct mig_address *ret, struct mig_error *err)
{
    uint64_t port;

    if (!mig_text_digits(text, strlen(text), 10, 65535, &port)) {
        return mig_fail(err, MIG_USAGE, "port '%.*s' is no number from 0 to 65535", SHOWN, text);
    }
    (void)snprintf(ret->port, sizeof ret->port, "%u", (unsigned)port);
    return true;
}

/* "[::1]" or "[::1]:port" */
static bool parse_bracketed(const char *text, struct mig_address *ret, struct mig_error *err)
{
    const char *end = strchr(text, ']');

    if (end == NULL || !is_word(text + 1, (size_t)(end - text) - 1, V6_CHARS) ||
        memchr(text + 1, ':', (size_t)(end - text) - 1) == NULL ||
        !copy(text + 1, (size_t)(end - text) - 1, ret->host, sizeof ret->host)) {
        return mig_fail(err, MIG_USAGE, "expected an IPv6 address between '[' and ']'");
    }
    if (end[1] == '\0') {
        return true;
    }
    if (end[1] != ':') {
        return mig_fail(err, MIG_USAGE, "expected ':' and a port behind ']'");
    }
    return parse_port(end + 2, ret, err);
}

static bool parse_plain(const char *text, struct mig_address *ret, struct mig_error *err)
{
    const char *colon = strchr(text, ':');
    size_t len = colon != NULL ? (size_t)(colon - text) : strlen(text);

    if (colon != NULL && strchr(colon + 1, ':') != NULL) {
        return mig_fail(err, MIG_USAGE, "an IPv6 address needs brackets, as in [::1]:%d",
                        MIG_DEFAULT_PORT);
    }
    if (!is_word(text, len, NAME_CHARS) || !copy(text, len, ret->host, sizeof ret->host)) {
        return mig_fail(
            err, MIG_USAGE,
            "expected HOST:PORT, [IPV6]:PORT or unix:/PATH, a NAME@ may stand in front");
    }
    return colon == NULL || parse_port(colon + 1, ret, err);
}

static bool parse_place(const char *rest, struct mig_address *ret, struct mig_error *err)
{
    if (mig_text_starts(rest, UNIX_PREFIX)) {
        return parse_unix(rest + strlen(UNIX_PREFIX), ret, err);
    }
    (void)snprintf(ret->port, sizeof ret->port, "%d", MIG_DEFAULT_PORT);
    return rest[0] == '[' ? parse_bracketed(rest, ret, err) : parse_plain(rest, ret, err);
}

bool mig_address_parse(const char *text, struct mig_address *ret, struct mig_error *err)
{
    struct mig_address a = {0};
    size_t name = name_length(text);
    const char *rest = text;

    if (name > 0) {
        if (!copy(text, name, a.name, sizeof a.name)) {
            return mig_fail(err, MIG_USAGE, "address '%.*s': name is longer than %zu characters",
                            SHOWN, text, sizeof a.name - 1);
        }
        rest = text + name + 1;
    }
    if (!parse_place(rest, &a, err)) {
        return mig_wrap(err, "address '%.*s'", SHOWN, text);
    }
    *ret = a;
    return true;
}

void mig_address_format(const struct mig_address *a, char *ret, size_t size)
{
    bool v6 = strchr(a->host, ':') != NULL;

    if (a->path[0] != '\0') {
        (void)snprintf(ret, size, UNIX_PREFIX "%s", a->path);
    } else {
        (void)snprintf(ret, size, "%s%s%s:%s", v6 ? "[" : "", a->host, v6 ? "]" : "", a->port);
    }
}
