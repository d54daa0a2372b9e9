go.mod
module m

go 1.16

require (
	a.com/b v1.0.0 // indirect
)
replace a.com/b v1.0.0 => ../b v2.0.0
exclude x v1
