use latimer_core::validate::Validator;
#[test]
fn stack() {
    let kind = std::env::var("KIND").unwrap();
    let n: usize = std::env::var("N").unwrap().parse().unwrap();
    let schema = match kind.as_str() {
        "not" => format!("{}{}{}", r#"{"not":"#.repeat(n), r##"{"items":{"$ref":"#"}}"##, "}".repeat(n)),
        "ref" => {
            let defs: Vec<_> =
                (0..n).map(|i| format!(r##""d{i}":{{"$ref":"#/$defs/d{}"}}"##, i + 1)).collect();
            format!(
                r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d{n}":{{"type":"array","items":{{"$ref":"#"}}}}}}}}"##,
                defs.join(",")
            )
        }
        "all" => {
            let defs: Vec<_> = (0..n).map(|i| format!(r##""d{i}":{{"type":"array","allOf":[{{"type":"array"}},{{"oneOf":[{{"type":"null"}},{{"$ref":"#/$defs/d{}"}}]}}]}}"##, i + 1)).collect();
            format!(
                r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d{n}":{{"type":"array","items":{{"$ref":"#"}}}}}}}}"##,
                defs.join(",")
            )
        }
        "exp" => {
            let defs: Vec<_> = (0..n)
                .map(|i| {
                    format!(
                        r##""d{i}":{{"anyOf":[{{"$ref":"#/$defs/d{}"}},{{"$ref":"#/$defs/d{}"}}]}}"##,
                        i + 1,
                        i + 1
                    )
                })
                .collect();
            format!(r##"{{"$ref":"#/$defs/d0","$defs":{{{},"d{n}":{{"type":"array"}}}}}}"##, defs.join(","))
        }
        _ => panic!(),
    };
    let t = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(move || {
        let t0 = std::time::Instant::now();
        let v = match Validator::compile(&schema) {
            Ok(v) => v,
            Err(e) => {
                println!("refused {e}");
                return;
            }
        };
        println!("compiled {:?}", t0.elapsed());
        let i = if kind == "exp" {
            "1".to_string()
        } else {
            format!("{}{}{}", "[".repeat(127), "1", "]".repeat(127))
        };
        let r = v.check(&i);
        println!(
            "{} {:?} {:?}",
            r.is_ok(),
            t0.elapsed(),
            r.err().map(|e| e.to_string().chars().take(300).collect::<String>())
        );
    });
    t.unwrap().join().unwrap();
}
