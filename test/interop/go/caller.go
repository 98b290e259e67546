package main

import (
	"context"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/anypb"
)

// call says which method is called, and how.
type call struct {
	method protoreflect.MethodDescriptor
	// Sent in the header x-case.
	name string
	gzip bool
}

func (c call) path() string {
	return fmt.Sprintf("/%s/%s", c.method.Parent().FullName(), c.method.Name())
}

// headers finds a header by its name in lower case; binary ones come decoded.
type headers func(name string) string

// caller is what connect-go and grpc-go have in common.
type caller interface {
	unary(ctx context.Context, c call, request *dynamicpb.Message) (*dynamicpb.Message, headers, headers, error)
	stream(ctx context.Context, c call) (stream, error)
	failure(err error) failure
	// bidi says whether streams can go both ways at the same time.
	bidi() bool
	// upload says whether requests can be streams.
	upload() bool
}

// stream is an open call of any kind.
type stream interface {
	send(request *dynamicpb.Message) error
	closeSend() error
	// receive returns io.EOF at a good end.
	receive() (*dynamicpb.Message, error)
	header() headers
	trailer() headers
}

// failure is what an error says.
type failure struct {
	Code    int              `json:"code"`
	Message string           `json:"message"`
	Details []map[string]any `json:"details"`
	Why     string           `json:"why"`
}

// details are those of google.rpc, which every language knows.
func details(of []proto.Message) []map[string]any {
	result := []map[string]any{}
	for _, detail := range of {
		if packed, ok := detail.(*anypb.Any); ok {
			if unpacked, err := packed.UnmarshalNew(); err == nil {
				detail = unpacked
			}
		}
		described := map[string]any{"type": detail.ProtoReflect().Descriptor().FullName()}
		switch known := detail.(type) {
		case *errdetails.ErrorInfo:
			described["reason"] = known.GetReason()
			described["domain"] = known.GetDomain()
			described["metadata"] = known.GetMetadata()
		case *errdetails.BadRequest:
			violations := []map[string]string{}
			for _, violation := range known.GetFieldViolations() {
				violations = append(violations, map[string]string{
					"field":       violation.GetField(),
					"description": violation.GetDescription(),
				})
			}
			described["violations"] = violations
		}
		result = append(result, described)
	}
	return result
}

// newCaller makes the caller of a wire.
func newCaller(address, wire string) (caller, error) {
	if wire == "grpc-go" {
		return newGrpcCaller(address)
	}
	return newConnectCaller(address, wire)
}
