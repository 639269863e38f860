// SPDX-License-Identifier: Apache-2.0
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buf.h"
#include "base/rng.h"

enum { RUN_S = 10, CORPUS_MAX = 1024, OPS_MAX = 8 };

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static const int SIGNALS[] = {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM};

static struct {
    const struct fuzz_target *target;
    struct buf corpus[CORPUS_MAX];
    size_t corpus_len;
    struct rng rng;
    uint64_t seed;
    uint64_t runs;
    struct str input; /* the running one */
    char path[64];    /* where it goes if it crashes */
    struct sigaction old[ARRAY_LEN(SIGNALS)];
} fuzz;

/* ---- crashes: only what a signal handler may do ---- */

static void tell(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n <= 0) {
            return;
        }
        text += n;
        len -= (size_t)n;
    }
}

static void save_input(void)
{
    static const char digits[] = "0123456789abcdef";
    static bool saved;
    int fd = saved ? -1 : open(fuzz.path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) {
        return;
    }
    saved = true;
    for (size_t i = 0; i < fuzz.input.len; i++) {
        unsigned char c = (unsigned char)fuzz.input.ptr[i];
        tell(fd, (char[]){digits[c >> 4], digits[c & 15]}, 2);
    }
    tell(fd, "\n", 1);
    close(fd);
    tell(STDERR_FILENO, "input saved: ", 13);
    tell(STDERR_FILENO, fuzz.path, strlen(fuzz.path));
    tell(STDERR_FILENO, "\n", 1);
}

/* Saves, then lets happen what would have happened: a sanitizer's report, or death. */
static void on_signal(int number)
{
    save_input();
    for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++) {
        if (SIGNALS[i] == number) {
            sigaction(number, &fuzz.old[i], NULL);
        }
    }
    raise(number);
}

static void catch_crashes(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < ARRAY_LEN(SIGNALS); i++) {
        sigaction(SIGNALS[i], &action, &fuzz.old[i]);
    }
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(save_input);
    }
}

/* ---- mutations ---- */

static size_t below(size_t bound)
{
    return (size_t)rng_below(&fuzz.rng, bound);
}

static void insert(struct buf *input, size_t at, struct str bytes)
{
    size_t room = fuzz.target->len_max - input->len;
    size_t len = bytes.len < room ? bytes.len : room;
    size_t tail = input->len - at;
    buf_put(input, bytes.ptr, len); /* makes the room; moved to its place below */
    if (len > 0) {
        memmove(input->ptr + at + len, input->ptr + at, tail);
        memcpy(input->ptr + at, bytes.ptr, len);
    }
}

/* Some piece of @s. */
static struct str piece(struct str s)
{
    size_t start = below(s.len + 1);
    return (struct str){s.ptr + start, below(s.len - start + 1)};
}

static void erase(struct buf *input, size_t at, size_t len)
{
    if (len > 0) {
        memmove(input->ptr + at, input->ptr + at + len, input->len - at - len);
        input->len -= len;
    }
}

static void change_byte(struct buf *input)
{
    static const char odd[] = "\0\n\r\t \"'\\;()/*-$:\x7f\x80\xc3\xff";
    char *byte = &input->ptr[below(input->len)];
    switch (below(4)) {
    case 0:
        *byte = (char)(*byte ^ (char)(1u << below(8)));
        break;
    case 1:
        *byte = (char)below(256);
        break;
    case 2:
        *byte = odd[below(sizeof(odd) - 1)];
        break;
    default:
        *byte = (char)(*byte + (below(2) ? 1 : -1));
    }
}

static void mutate_once(struct buf *input)
{
    const struct fuzz_target *target = fuzz.target;
    size_t op = below(16);
    size_t at = below(input->len + 1);
    if (op < 5 && input->len > 0) {
        change_byte(input);
    } else if (op < 8) {
        insert(input, at, piece(buf_str(&fuzz.corpus[below(fuzz.corpus_len)])));
    } else if (op < 11) {
        insert(input, at, target->words[below(target->word_count)]);
    } else if (op == 11) {
        input->len = at;
    } else {
        size_t rest = input->len - at;
        erase(input, at, below((op == 12 || rest < 8 ? rest : 8) + 1));
    }
}

static void mutate(struct buf *input)
{
    buf_clear(input);
    insert(input, 0, buf_str(&fuzz.corpus[below(fuzz.corpus_len)]));
    if (below(4) == 0) {
        input->len = below(input->len + 1);
        insert(input, input->len, piece(buf_str(&fuzz.corpus[below(fuzz.corpus_len)])));
    }
    for (size_t ops = 1 + below(1 + below(OPS_MAX)); ops > 0; ops--) {
        mutate_once(input);
    }
    ASSERT(buf_ok(input));
}

/* ---- runs ---- */

/* On a copy of exactly its length, so that the sanitizer sees a read behind the end. */
static void run(struct str input)
{
    char *copy = malloc(input.len + !input.len);
    ASSERT(copy);
    if (input.len > 0) {
        memcpy(copy, input.ptr, input.len);
    }
    fuzz.input = (struct str){copy, input.len};
    alarm(RUN_S);
    fuzz.target->run(fuzz.input);
    alarm(0);
    fuzz.input = STR("");
    free(copy);
}

static struct buf read_file(const char *path)
{
    struct buf bytes = BUF_INIT(1 << 20);
    char chunk[4096];
    FILE *file = fopen(path, "rb");
    if (!file) {
        perror(path);
        exit(2);
    }
    for (size_t n; (n = fread(chunk, 1, sizeof(chunk), file)) > 0;) {
        buf_put(&bytes, chunk, n);
    }
    fclose(file);
    ASSERT(buf_ok(&bytes));
    return bytes;
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The order of the names, not that of the directory. */
static void load_corpus(const char *dir)
{
    struct dirent **names;
    int count = scandir(dir, &names, is_visible, alphasort);
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
        struct buf bytes = read_file(path);
        ASSERT(fuzz.corpus_len < CORPUS_MAX);
        bytes.len = bytes.len < fuzz.target->len_max ? bytes.len : fuzz.target->len_max;
        fuzz.corpus[fuzz.corpus_len++] = bytes;
        free(names[i]);
    }
    if (count <= 0) {
        fprintf(stderr, "%s: no corpus\n", dir);
        exit(2);
    }
    free(names);
}

static void free_corpus(void)
{
    for (size_t i = 0; i < fuzz.corpus_len; i++) {
        buf_free(&fuzz.corpus[i]);
    }
}

static int digit_of(char c)
{
    const char *digits = "0123456789abcdef";
    const char *hit = c ? strchr(digits, c) : NULL;
    return hit ? (int)(hit - digits) : -1;
}

static int replay(const char *path)
{
    struct buf hex = read_file(path);
    size_t len = str_trim(buf_str(&hex)).len;
    for (size_t i = 0; i + 1 < len; i += 2) {
        int high = digit_of(hex.ptr[i]);
        int low = digit_of(hex.ptr[i + 1]);
        if (high < 0 || low < 0) {
            fprintf(stderr, "%s: not hex\n", path);
            exit(2);
        }
        hex.ptr[i / 2] = (char)(high * 16 + low);
    }
    run((struct str){hex.ptr, len / 2});
    buf_free(&hex);
    return 0;
}

static void name_crash(const char *kind, uint64_t number)
{
    snprintf(fuzz.path, sizeof(fuzz.path), "fuzz_%s-seed%llu-%s%llu.hex", fuzz.target->name,
        (unsigned long long)fuzz.seed, kind, (unsigned long long)number);
}

static int explore(const char *dir)
{
    struct buf input = BUF_INIT(fuzz.target->len_max + 1);
    load_corpus(dir);
    for (size_t i = 0; i < fuzz.corpus_len; i++) {
        name_crash("corpus", i);
        run(buf_str(&fuzz.corpus[i]));
    }
    for (uint64_t i = 0; i < fuzz.runs; i++) {
        fuzz.rng.state = fuzz.seed * 0x100000001B3u + i;
        mutate(&input);
        name_crash("run", i);
        run(buf_str(&input));
    }
    printf("fuzz_%s: seed %llu, %zu files, %llu mutations\n", fuzz.target->name,
        (unsigned long long)fuzz.seed, fuzz.corpus_len, (unsigned long long)fuzz.runs);
    buf_free(&input);
    free_corpus();
    return 0;
}

static bool number(const char *text, uint64_t *ret)
{
    return text && str_to_u64(str_of(text), UINT64_MAX, ret);
}

int fuzz_main(int argc, char **argv, const struct fuzz_target *target)
{
    fuzz.target = target;
    fuzz.runs = 10000;
    fuzz.seed = 1;
    int at = 1;
    bool ok = true;
    for (; ok && at + 1 < argc && argv[at][0] == '-'; at += 2) {
        if (strcmp(argv[at], "--replay") == 0) {
            name_crash("replay", 0);
            catch_crashes();
            return replay(argv[at + 1]);
        }
        bool is_runs = strcmp(argv[at], "--runs") == 0;
        ok = (is_runs || strcmp(argv[at], "--seed") == 0) &&
            number(argv[at + 1], is_runs ? &fuzz.runs : &fuzz.seed);
    }
    if (!ok || at + 1 != argc) {
        fprintf(stderr, "usage: %s [--runs N] [--seed S] CORPUS_DIR | --replay FILE\n", argv[0]);
        return 2;
    }
    catch_crashes();
    return explore(argv[at]);
}
