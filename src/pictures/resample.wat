;; The two passes of resample.ts with 128-bit vectors: the same integers, four of them at a time.
;; Assembled into resample-simd.ts:  npx -p wabt wat2wasm resample.wat -o - | base64 -w0
;; Reads up to 15 bytes behind the source, and writes up to 15 behind the result, which are overwritten
;; or not looked at.
(module
  (memory (export "memory") 1)

  ;; [rows, rowBytes] -> [rows, n * 3]: out[x] = sum of source pixels from starts[x] on, by weights[x].
  (func (export "columns")
    (param $src i32) (param $rows i32) (param $rowBytes i32) (param $out i32) (param $n i32)
    (param $starts i32) (param $counts i32) (param $weights i32) (param $perOutput i32)
    (local $x i32) (local $from i32) (local $weight i32) (local $end i32) (local $sum v128)
    (block $done
      (loop $row
        (br_if $done (i32.eqz (local.get $rows)))
        (local.set $x (i32.const 0))
        (loop $pixel
          (local.set $from (i32.add (local.get $src) (i32.mul (i32.const 3)
            (i32.load (i32.add (local.get $starts) (i32.shl (local.get $x) (i32.const 2)))))))
          (local.set $weight (i32.add (local.get $weights)
            (i32.shl (i32.mul (local.get $x) (local.get $perOutput)) (i32.const 2))))
          (local.set $end (i32.add (local.get $weight) (i32.shl
            (i32.load (i32.add (local.get $counts) (i32.shl (local.get $x) (i32.const 2))))
            (i32.const 2))))
          (local.set $sum (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
          (block $summed
            (loop $tap
              (br_if $summed (i32.ge_u (local.get $weight) (local.get $end)))
              ;; One pixel: red, green, blue, and a byte of the next one.
              (local.set $sum (i32x4.add (local.get $sum) (i32x4.mul
                (i32x4.extend_low_i16x8_u (i16x8.extend_low_i8x16_u
                  (v128.load32_zero (local.get $from))))
                (v128.load32_splat (local.get $weight)))))
              (local.set $from (i32.add (local.get $from) (i32.const 3)))
              (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
              (br $tap)))
          (local.set $sum (i32x4.shr_s (local.get $sum) (i32.const 22)))
          (local.set $sum (i16x8.narrow_i32x4_s (local.get $sum) (local.get $sum)))
          (v128.store32_lane 0 (local.get $out)
            (i8x16.narrow_i16x8_u (local.get $sum) (local.get $sum)))
          (local.set $out (i32.add (local.get $out) (i32.const 3)))
          (br_if $pixel (i32.lt_u (local.tee $x (i32.add (local.get $x) (i32.const 1)))
            (local.get $n))))
        (local.set $src (i32.add (local.get $src) (local.get $rowBytes)))
        (local.set $rows (i32.sub (local.get $rows) (i32.const 1)))
        (br $row))))

  ;; [h, stride] -> [n, stride]: out[y] = sum of source rows from starts[y] on, by weights[y].
  (func (export "rows")
    (param $src i32) (param $stride i32) (param $out i32) (param $n i32)
    (param $starts i32) (param $counts i32) (param $weights i32) (param $perOutput i32)
    (local $y i32) (local $at i32) (local $from i32) (local $first i32) (local $weight i32)
    (local $end i32) (local $bytes v128) (local $half v128) (local $by v128)
    (local $a v128) (local $b v128) (local $c v128) (local $d v128)
    (loop $row
      (local.set $first (i32.add (local.get $src) (i32.mul (local.get $stride)
        (i32.load (i32.add (local.get $starts) (i32.shl (local.get $y) (i32.const 2)))))))
      (local.set $at (i32.const 0))
      (loop $sixteen
        (local.set $from (i32.add (local.get $first) (local.get $at)))
        (local.set $weight (i32.add (local.get $weights)
          (i32.shl (i32.mul (local.get $y) (local.get $perOutput)) (i32.const 2))))
        (local.set $end (i32.add (local.get $weight) (i32.shl
          (i32.load (i32.add (local.get $counts) (i32.shl (local.get $y) (i32.const 2))))
          (i32.const 2))))
        (local.set $a (v128.const i32x4 0x200000 0x200000 0x200000 0x200000))
        (local.set $b (local.get $a))
        (local.set $c (local.get $a))
        (local.set $d (local.get $a))
        (block $summed
          (loop $tap
            (br_if $summed (i32.ge_u (local.get $weight) (local.get $end)))
            (local.set $by (v128.load32_splat (local.get $weight)))
            (local.set $bytes (v128.load (local.get $from)))
            (local.set $half (i16x8.extend_low_i8x16_u (local.get $bytes)))
            (local.set $a (i32x4.add (local.get $a)
              (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $half)) (local.get $by))))
            (local.set $b (i32x4.add (local.get $b)
              (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $half)) (local.get $by))))
            (local.set $half (i16x8.extend_high_i8x16_u (local.get $bytes)))
            (local.set $c (i32x4.add (local.get $c)
              (i32x4.mul (i32x4.extend_low_i16x8_u (local.get $half)) (local.get $by))))
            (local.set $d (i32x4.add (local.get $d)
              (i32x4.mul (i32x4.extend_high_i16x8_u (local.get $half)) (local.get $by))))
            (local.set $from (i32.add (local.get $from) (local.get $stride)))
            (local.set $weight (i32.add (local.get $weight) (i32.const 4)))
            (br $tap)))
        (v128.store (i32.add (local.get $out) (local.get $at))
          (i8x16.narrow_i16x8_u
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (local.get $a) (i32.const 22))
              (i32x4.shr_s (local.get $b) (i32.const 22)))
            (i16x8.narrow_i32x4_s
              (i32x4.shr_s (local.get $c) (i32.const 22))
              (i32x4.shr_s (local.get $d) (i32.const 22)))))
        (br_if $sixteen (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 16)))
          (local.get $stride))))
      (local.set $out (i32.add (local.get $out) (local.get $stride)))
      (br_if $row (i32.lt_u (local.tee $y (i32.add (local.get $y) (i32.const 1)))
        (local.get $n)))))
)
