// SPDX-License-Identifier: Apache-2.0
#define TOML_MAX_NESTED_VALUES 16
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <deque>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

/* Some broken documents fail its assertions: they are errors like others. */
namespace
{
struct broken {
};

[[noreturn]] void fail_assertion()
{
    throw broken{};
}
} // namespace
#define TOML_ASSERT(expr) ((expr) ? static_cast<void>(0) : fail_assertion())
#include <toml++/toml.hpp>

extern "C" {
#include "config/toml.h"
}

struct toml_doc {
    toml::table table;
    std::deque<toml_node> nodes; /* a deque: nodes point to each other */
};

namespace
{
constexpr int DEPTH_MAX = 16;
constexpr unsigned LINE_DOTS_MAX = 512;

struct failure {
    uint32_t line;
    const char *what;
};

str view(std::string_view text)
{
    return str{text.data(), text.size()};
}

/*
 * toml++ bounds nested values but not dotted keys, and takes nested tables apart by
 * recursion: a key of some hundred thousand parts would overflow the stack.
 */
void check_dots(std::string_view text)
{
    uint32_t line = 1;
    unsigned dots = 0;
    for (char c : text) {
        dots = c == '\n' ? 0 : dots + (c == '.');
        line += c == '\n';
        if (dots > LINE_DOTS_MAX) {
            throw failure{line, "a line may hold at most 512 dots"};
        }
    }
}

/* Where a broken document most likely is so: the first header without a name. */
uint32_t line_of_fault(std::string_view text)
{
    uint32_t line = 1;
    for (size_t at = 0; at < text.size(); line++) {
        size_t end = text.find('\n', at);
        std::string_view rest =
            text.substr(at, end == std::string_view::npos ? end : end - at);
        at += rest.size() + 1;
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
        size_t name = rest.find_first_not_of("[ \t\r");
        if (!rest.empty() && rest[0] == '[' && name == std::string_view::npos) {
            return line;
        }
    }
    return 1;
}

toml_node *add(toml_doc &doc, const toml::node &value, const toml::key *key, int depth);

void add_table(toml_doc &doc, const toml::table &table, toml_node &parent, int depth)
{
    std::vector<std::pair<const toml::key *, const toml::node *>> entries;
    for (auto &&[key, value] : table) {
        entries.emplace_back(&key, &value);
    }
    std::sort(entries.begin(), entries.end(), [](const auto &a, const auto &b) {
        return a.first->source().begin < b.first->source().begin;
    });
    const toml_node **link = &parent.child;
    for (const auto &[key, value] : entries) {
        toml_node *node = add(doc, *value, key, depth + 1);
        *link = node;
        link = &node->next;
    }
}

void add_array(toml_doc &doc, const toml::array &array, toml_node &parent, int depth)
{
    const toml_node **link = &parent.child;
    for (const toml::node &value : array) {
        toml_node *node = add(doc, value, nullptr, depth + 1);
        *link = node;
        link = &node->next;
    }
}

toml_node *add(toml_doc &doc, const toml::node &value, const toml::key *key, int depth)
{
    toml_node &node = doc.nodes.emplace_back(toml_node{});
    node.line = value.source().begin.line;
    node.key = key ? view(key->str()) : str{"", 0};
    node.text = str{"", 0};
    if (depth > DEPTH_MAX) {
        throw failure{node.line, "tables and arrays may be nested at most 16 deep"};
    }
    if (const auto *table = value.as_table()) {
        node.kind = TOML_TABLE;
        add_table(doc, *table, node, depth);
    } else if (const auto *array = value.as_array()) {
        node.kind = TOML_ARRAY;
        add_array(doc, *array, node, depth);
    } else if (const auto *text = value.as_string()) {
        node.kind = TOML_STRING;
        node.text = view(text->get());
    } else if (const auto *integer = value.as_integer()) {
        node.kind = TOML_INT;
        node.integer = integer->get();
    } else if (const auto *boolean = value.as_boolean()) {
        node.kind = TOML_BOOL;
        node.integer = boolean->get();
    } else if (const auto *fraction = value.as_floating_point()) {
        node.kind = TOML_FLOAT;
        node.fraction = fraction->get();
    } else {
        node.kind = TOML_TIME;
    }
    return &node;
}

toml_doc *parse(std::string_view text)
{
    check_dots(text);
    auto doc = std::make_unique<toml_doc>();
    doc->table = toml::parse(text);
    add(*doc, doc->table, nullptr, 0);
    return doc.release();
}
} // namespace

toml_doc *toml_parse(str text, uint32_t *ret_line, char *err, size_t err_size)
{
    try {
        return parse(std::string_view(text.ptr, text.len));
    } catch (const toml::parse_error &error) {
        std::string_view what = error.description();
        *ret_line = error.source().begin.line;
        snprintf(err, err_size, "%.*s", static_cast<int>(what.size()), what.data());
    } catch (const broken &) {
        *ret_line = line_of_fault(std::string_view(text.ptr, text.len));
        snprintf(err, err_size, "there is a table without a name");
    } catch (const failure &error) {
        *ret_line = error.line;
        snprintf(err, err_size, "%s", error.what);
    } catch (...) {
        *ret_line = 1;
        snprintf(err, err_size, "out of memory");
    }
    return nullptr;
}

void toml_free(toml_doc *doc)
{
    if (!doc) {
        return;
    }
    for (const toml_node &node : doc->nodes) {
        if (node.text.len > 0) {
            explicit_bzero(const_cast<char *>(node.text.ptr), node.text.len);
        }
    }
    delete doc;
}

const toml_node *toml_root(const toml_doc *doc)
{
    return &doc->nodes.front();
}
