mod imports;
use imports::*;
use std::collections::*;
#[test]
fn dump() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for c in [
        "shared/events",
        "shared/runtime",
        "shared/servers",
        "shared/testing",
        "user",
        "inventory",
        "payment",
        "ctl",
        "trials/chaos",
        "trials/bench",
        "trials/saga",
        "trials/e2e",
    ] {
        let k = Crate::read(&root.join(c));
        let mut m: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (p, module) in &k.modules {
            let top = p.first().cloned().unwrap_or("lib".into());
            for t in k.imports(p) {
                let tt = t.first().cloned().unwrap_or("lib".into());
                if tt != top {
                    m.entry(top.clone()).or_default().insert(tt);
                }
            }
            for path in &module.paths {
                if [
                    "runtime",
                    "events",
                    "redis",
                    "tokio_postgres",
                    "actix",
                    "actix_web",
                    "tokio",
                    "deadpool_postgres",
                    "reqwest",
                    "servers",
                    "ctl",
                ]
                .contains(&path[0].as_str())
                {
                    let s =
                        if path[0] == "runtime" { format!("runtime::{}", path[1]) } else { path[0].clone() };
                    m.entry(top.clone()).or_default().insert(s);
                }
            }
        }
        println!("== {c}");
        for (a, b) in &m {
            println!("  {a} -> {}", b.iter().cloned().collect::<Vec<_>>().join(" "));
        }
        // scc
        let nodes: Vec<Segments> = k.modules.keys().cloned().collect();
        let edges: HashMap<Segments, BTreeSet<Segments>> =
            nodes.iter().map(|n| (n.clone(), k.imports(n))).collect();
        let reach = |from: &Segments| {
            let mut seen = BTreeSet::new();
            let mut todo: Vec<Segments> = edges[from].iter().cloned().collect();
            while let Some(x) = todo.pop() {
                if seen.insert(x.clone()) {
                    todo.extend(edges[&x].iter().cloned());
                }
            }
            seen
        };
        let r: HashMap<Segments, BTreeSet<Segments>> = nodes.iter().map(|n| (n.clone(), reach(n))).collect();
        let mut done = BTreeSet::new();
        for n in &nodes {
            if r[n].contains(n) && !done.contains(n) {
                let c: Vec<_> =
                    nodes.iter().filter(|x| r[n].contains(*x) && r[*x].contains(n)).cloned().collect();
                done.extend(c.iter().cloned());
                println!(
                    "  CIRCLE {} {}",
                    c.len(),
                    c.iter().map(|x| x.join("::")).collect::<Vec<_>>().join(", ")
                );
            }
        }
    }
}
