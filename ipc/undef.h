/* No include guard: ends one reading of ipc/catalogue.def. */
#undef MSG_BEGIN
#undef MSG_END
#undef MSG_U8
#undef MSG_U16
#undef MSG_U32
#undef MSG_U64
#undef MSG_I32
#undef MSG_STR
#undef MSG_BYTES
#undef MSG_ADDR
