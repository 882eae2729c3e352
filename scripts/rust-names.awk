# Lists what Rust files name, one line each, tab-separated:
#
#   file  line  path    crate::store::orders      every path, `use` groups spread out, `self` and `super` resolved
#   file  line  import  serde                     the same, from a `use` or `extern crate`
#   file  line  module  orders                    `mod orders;` and `mod orders {`
#   file  line  method  xadd                      an identifier after `.` or `::`
#   file  line  string  SELECT 1                  a string literal, white space squeezed
#
# Comments are skipped. It reads tokens, not meaning: macros are not expanded and re-exports are not followed.
# Plain POSIX awk. Usage: awk -f rust-names.awk FILE...

FNR == 1 { begin_file() }
{ read_line($0) }

function begin_file(    name, in_src) {
    comment_depth = 0; in_string = 0
    path = ""; previous = ""; want_module = 0; want_crate = 0
    use_depth = 0; in_use = 0
    braces = 0; inline_depth = 0
    # The module this file is: user/src/domain/order.rs -> crate::domain::order
    name = FILENAME
    in_src = sub(/^(.*\/)?src\//, "", name)
    sub(/\.rs$/, "", name); sub(/(^|\/)mod$/, "", name)
    if (!in_src || name == "lib" || name == "main") name = ""
    gsub(/\//, "::", name)
    file_module = "crate" (name == "" ? "" : "::" name)
}

# --- characters to tokens -------------------------------------------------------------------------------------------

function read_line(rest) {
    while (rest != "") {
        if (comment_depth) rest = skip_comment(rest)
        else if (in_string) rest = read_string(rest)
        else if (match(rest, /^[ \t\r]+/)) rest = after(rest)
        else if (substr(rest, 1, 2) == "//") return
        else if (substr(rest, 1, 2) == "/*") { comment_depth = 1; rest = substr(rest, 3) }
        else if (match(rest, /^[bc]?r#*"/)) { open_string(rest, 1); rest = after(rest) }
        else if (match(rest, /^[bc]?"/)) { open_string(rest, 0); rest = after(rest) }
        else if (match(rest, /^b?'(\\.[^']*|[^'\\]|[^'\\A-Za-z0-9_][^']?[^']?[^']?)'/)) rest = after(rest)
        else if (match(rest, /^'[A-Za-z_][A-Za-z0-9_]*/)) rest = after(rest)
        else if (match(rest, /^(r#)?[A-Za-z_][A-Za-z0-9_]*/)) {
            word = substr(rest, 1, RLENGTH); rest = after(rest)
            sub(/^r#/, "", word); token(word, 1)
        }
        else if (match(rest, /^[0-9][A-Za-z0-9_]*/)) { rest = after(rest); token("0", 0) }
        else if (substr(rest, 1, 2) == "::") { rest = substr(rest, 3); token("::", 0) }
        else { first = substr(rest, 1, 1); rest = substr(rest, 2); token(first, 0) }
    }
    if (in_string) text = text " "
}

function after(rest) { return substr(rest, RLENGTH + 1) }

function skip_comment(rest,    open, close_) {
    open = index(rest, "/*"); close_ = index(rest, "*/")
    if (open && (!close_ || open < close_)) { comment_depth++; return substr(rest, open + 2) }
    if (close_) { comment_depth--; return substr(rest, close_ + 2) }
    return ""
}

function open_string(rest, raw,    hashes) {
    in_string = 1; text = ""; string_line = FNR; string_raw = raw
    hashes = substr(rest, 1, RLENGTH); gsub(/[^#]/, "", hashes)
    string_end = "\"" hashes
}

function read_string(rest,    at) {
    if (string_raw) {
        at = index(rest, string_end)
        if (!at) { text = text rest; return "" }
        text = text substr(rest, 1, at - 1); close_string()
        return substr(rest, at + length(string_end))
    }
    match(rest, /^[^"\\]*/); text = text substr(rest, 1, RLENGTH); rest = after(rest)
    if (substr(rest, 1, 1) == "\"") { close_string(); return substr(rest, 2) }
    text = text substr(rest, 2, 1)              # the character after a backslash
    return substr(rest, 3)
}

function close_string() {
    in_string = 0
    gsub(/[ \t\r]+/, " ", text); sub(/^ /, "", text); sub(/ $/, "", text)
    fact(string_line, "string", text)
    token("\"", 0)
}

# --- tokens to names ------------------------------------------------------------------------------------------------

function token(word, is_word) {
    if (is_word && (previous == "." || previous == "::")) fact(FNR, "method", word)
    if (in_use) use_token(word, is_word)
    else plain_token(word, is_word)
    previous = word
}

function plain_token(word, is_word) {
    if (is_word && want_module) { fact(FNR, "module", word); module_name = word; want_module = 0; return }
    if (is_word && want_crate) { fact(FNR, "import", word); want_crate = 0; return }
    if (is_word && path != "" && previous == "::") { path = path "::" word; return }
    if (word == "::") return
    if (path != "") { if (path ~ /::/) fact(path_line, "path", resolve(path)); path = "" }

    if (word == "use") { in_use = 1; use_depth = 0; use_path = ""; leaf = 0 }
    else if (word == "mod") want_module = 1
    else if (word == "crate" && previous == "extern") want_crate = 1
    else if (is_word) { path = word; path_line = FNR }
    else {
        want_module = 0
        if (word == "{") {
            braces++
            if (module_name != "") { inline_depth++; inline_name[inline_depth] = module_name; inline_brace[inline_depth] = braces }
        } else if (word == "}") {
            if (inline_depth && inline_brace[inline_depth] == braces) inline_depth--
            braces--
        }
        module_name = ""
    }
}

# `use a::{b::C, d as e, f::*};` A group opens with the path before it and every comma goes back to that path.
function use_token(word, is_word) {
    if (word == "<") in_use = 0                 # `impl Trait + use<'a>` imports nothing
    else if (previous == "as") return
    else if (is_word && word != "as" || word == "*") {
        use_path = use_path (use_path == "" ? "" : "::") word; leaf = 1; leaf_line = FNR
    }
    else if (word == "{") { group[++use_depth] = use_path; leaf = 0 }
    else if (word == ",") { end_leaf(); use_path = group[use_depth] }
    else if (word == "}") { end_leaf(); use_depth-- }
    else if (word == ";") { end_leaf(); in_use = 0 }
}

function end_leaf(    name) {
    if (!leaf) return
    leaf = 0; name = use_path
    sub(/::self$/, "", name)
    fact(leaf_line, "import", resolve(name))
}

function resolve(name,    module, i) {
    if (name !~ /^(self|super)(::|$)/) return name
    module = file_module
    for (i = 1; i <= inline_depth; i++) module = module "::" inline_name[i]
    sub(/^self(::|$)/, "", name)
    while (sub(/^super(::|$)/, "", name)) sub(/::[^:]*$/, "", module)
    return module (name == "" ? "" : "::" name)
}

function fact(line, kind, what) { print FILENAME "\t" line "\t" kind "\t" what }
