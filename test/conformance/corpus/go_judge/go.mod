module ambient-ca/test/conformance/corpus/go_judge

go 1.21
