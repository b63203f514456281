#include "textflag.h"

// Arithmetic over lists of numbers, four at a time (AVX). Each result is what the operator gives, with the
// zero added that makes a positive one of a negative one. What comes back says whether some result is not to be
// taken as it is: it is no finite number, or too small for a normal one; with an operator of "last", also
// whether it is less than 2^-48 of the first operand, so that it may be only rounding.
//
// func laneArithmetic(op int, out, x, y *float64, n, xStep, yStep int) (odd int)
//
// n is a multiple of 4 and not 0. A step is 32 bytes, or 0 for an operand whose four numbers are the same for all.

DATA laneAbs<>+0(SB)/8, $0x7fffffffffffffff
GLOBL laneAbs<>(SB), RODATA|NOPTR, $8
DATA laneNormal<>+0(SB)/8, $0x0010000000000000
GLOBL laneNormal<>(SB), RODATA|NOPTR, $8
DATA laneMost<>+0(SB)/8, $0x7fefffffffffffff
GLOBL laneMost<>(SB), RODATA|NOPTR, $8
DATA laneTiny<>+0(SB)/8, $0x3cf0000000000000 // 2^-48
GLOBL laneTiny<>(SB), RODATA|NOPTR, $8

// What is odd in Y1 is added to Y15.
#define CHECK \
	VANDPD Y14, Y1, Y2      \
	VCMPPD $6, Y12, Y2, Y3  \ // not at most the largest number, or a NaN
	VCMPPD $1, Y13, Y2, Y4  \ // below the smallest normal one
	VCMPPD $4, Y11, Y2, Y5  \ // and not 0
	VANDPD Y4, Y5, Y4       \
	VORPD  Y3, Y15, Y15     \
	VORPD  Y4, Y15, Y15

// So is what may be only rounding of Y0.
#define LAST \
	VANDPD Y14, Y0, Y6      \
	VMULPD Y10, Y6, Y6      \
	VCMPPD $1, Y6, Y2, Y6   \
	VORPD  Y6, Y15, Y15

#define NEXT(loop) \
	VMOVUPD Y1, (DI)        \
	ADDQ    $32, DI         \
	ADDQ    R8, SI          \
	ADDQ    R9, DX          \
	SUBQ    $4, CX          \
	JNZ     loop

TEXT ·laneArithmetic(SB), NOSPLIT, $0-64
	MOVQ op+0(FP), AX
	MOVQ out+8(FP), DI
	MOVQ x+16(FP), SI
	MOVQ y+24(FP), DX
	MOVQ n+32(FP), CX
	MOVQ xStep+40(FP), R8
	MOVQ yStep+48(FP), R9
	VBROADCASTSD laneTiny<>(SB), Y10
	VXORPD       Y11, Y11, Y11
	VBROADCASTSD laneMost<>(SB), Y12
	VBROADCASTSD laneNormal<>(SB), Y13
	VBROADCASTSD laneAbs<>(SB), Y14
	VXORPD       Y15, Y15, Y15
	CMPQ AX, $1
	JLT  add
	JEQ  subtract
	CMPQ AX, $3
	JLT  multiply
	JEQ  divide
	CMPQ AX, $5
	JLT  addLast
	JEQ  subtractLast

gather:
	VMOVUPD (SI), Y0
	VADDPD  (DX), Y0, Y1
	NEXT(gather)
	JMP     done

add:
	VMOVUPD (SI), Y0
	VADDPD  (DX), Y0, Y1
	VADDPD  Y11, Y1, Y1
	CHECK
	NEXT(add)
	JMP     done

subtract:
	VMOVUPD (SI), Y0
	VSUBPD  (DX), Y0, Y1
	VADDPD  Y11, Y1, Y1
	CHECK
	NEXT(subtract)
	JMP     done

multiply:
	VMOVUPD (SI), Y0
	VMULPD  (DX), Y0, Y1
	VADDPD  Y11, Y1, Y1
	CHECK
	NEXT(multiply)
	JMP     done

divide:
	VMOVUPD (SI), Y0
	VDIVPD  (DX), Y0, Y1
	VADDPD  Y11, Y1, Y1
	CHECK
	NEXT(divide)
	JMP     done

addLast:
	VMOVUPD (SI), Y0
	VADDPD  (DX), Y0, Y1
	VADDPD  Y11, Y1, Y1
	CHECK
	LAST
	NEXT(addLast)
	JMP     done

subtractLast:
	VMOVUPD (SI), Y0
	VSUBPD  (DX), Y0, Y1
	VADDPD  Y11, Y1, Y1
	CHECK
	LAST
	NEXT(subtractLast)

done:
	VMOVMSKPD Y15, AX
	VZEROUPPER
	MOVQ AX, odd+56(FP)
	RET
