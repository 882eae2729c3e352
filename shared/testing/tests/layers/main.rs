mod imports;
use imports::*;
use std::collections::*;
#[test]
fn dump() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for c in std::env::var("C").unwrap_or("shared/events,shared/runtime,shared/servers,shared/testing,user,inventory,payment,ctl,trials/chaos,trials/bench,trials/saga,trials/e2e".into()).split(',') {
        let k = Crate::read(&root.join(c));
        let nodes: Vec<Segments> = k.modules.keys().cloned().collect();
        let edges: HashMap<Segments, BTreeSet<Segments>> = nodes.iter().map(|n| (n.clone(), k.imports(n))).collect();
        let reach = |from: &Segments| { let mut seen=BTreeSet::new(); let mut todo: Vec<Segments>=edges[from].iter().cloned().collect(); while let Some(x)=todo.pop() { if seen.insert(x.clone()) { todo.extend(edges[&x].iter().cloned()); } } seen };
        let r: HashMap<Segments,BTreeSet<Segments>> = nodes.iter().map(|n|(n.clone(),reach(n))).collect();
        let mut done=BTreeSet::new();
        for n in &nodes { if r[n].contains(n) && !done.contains(n) { let cc: Vec<_>=nodes.iter().filter(|x| r[n].contains(*x)&&r[*x].contains(n)).cloned().collect(); done.extend(cc.iter().cloned()); println!("CIRCLE {c} {}", cc.len());
          for x in &cc { println!("   {} -> {}", x.join("::"), edges[x].iter().filter(|y| cc.contains(y)).map(|y| y.join("::")).collect::<Vec<_>>().join(", ")); } } }
    }
}
