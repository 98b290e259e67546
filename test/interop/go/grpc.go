package main

import (
	"context"
	"errors"
	"io"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/dynamicpb"
)

// grpcCaller calls with grpc-go.
type grpcCaller struct {
	connection *grpc.ClientConn
}

// grpcError is an error with the trailers of its call, which grpc-go tells apart.
type grpcError struct {
	error
	trailer metadata.MD
}

func newGrpcCaller(address string) (caller, error) {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return nil, err
	}
	return &grpcCaller{connection}, nil
}

func (of *grpcCaller) bidi() bool   { return true }
func (of *grpcCaller) upload() bool { return true }

func outgoing(ctx context.Context, c call) (context.Context, []grpc.CallOption) {
	pairs := []string{"x-case", c.name, "x-question", "why?", "x-question-bin", "\x00\xff\x10"}
	options := []grpc.CallOption{}
	if c.gzip {
		options = append(options, grpc.UseCompressor(gzip.Name))
	}
	return metadata.AppendToOutgoingContext(ctx, pairs...), options
}

func grpcHeaders(of metadata.MD) headers {
	return func(name string) string { return strings.Join(of.Get(name), ", ") }
}

func (of *grpcCaller) unary(ctx context.Context, c call, request *dynamicpb.Message) (*dynamicpb.Message, headers, headers, error) {
	var header, trailer metadata.MD
	ctx, options := outgoing(ctx, c)
	options = append(options, grpc.Header(&header), grpc.Trailer(&trailer))
	answer := dynamicpb.NewMessage(c.method.Output())
	if err := of.connection.Invoke(ctx, c.path(), request, answer, options...); err != nil {
		return nil, nil, nil, &grpcError{err, trailer}
	}
	return answer, grpcHeaders(header), grpcHeaders(trailer), nil
}

func (of *grpcCaller) stream(ctx context.Context, c call) (stream, error) {
	ctx, options := outgoing(ctx, c)
	kind := &grpc.StreamDesc{
		ServerStreams: c.method.IsStreamingServer(),
		ClientStreams: c.method.IsStreamingClient(),
	}
	opened, err := of.connection.NewStream(ctx, kind, c.path(), options...)
	if err != nil {
		return nil, err
	}
	return &grpcStream{opened, c}, nil
}

func (of *grpcCaller) failure(err error) failure {
	var trailer metadata.MD
	if failed, ok := err.(*grpcError); ok {
		trailer = failed.trailer
		err = failed.error
	}
	said := status.Convert(err)
	messages := []proto.Message{}
	for _, detail := range said.Details() {
		if known, ok := detail.(protoadapt.MessageV1); ok {
			messages = append(messages, protoadapt.MessageV2Of(known))
		}
	}
	return failure{
		Code:    int(said.Code()),
		Message: said.Message(),
		Details: details(messages),
		Why:     grpcHeaders(trailer)("x-why"),
	}
}

// grpcStream is a stream of any kind.
type grpcStream struct {
	opened grpc.ClientStream
	call   call
}

func (of *grpcStream) send(request *dynamicpb.Message) error { return of.opened.SendMsg(request) }
func (of *grpcStream) closeSend() error                      { return of.opened.CloseSend() }
func (of *grpcStream) trailer() headers                      { return grpcHeaders(of.opened.Trailer()) }

func (of *grpcStream) header() headers {
	header, err := of.opened.Header()
	if err != nil {
		return func(string) string { return err.Error() }
	}
	return grpcHeaders(header)
}

func (of *grpcStream) receive() (*dynamicpb.Message, error) {
	answer := dynamicpb.NewMessage(of.call.method.Output())
	if err := of.opened.RecvMsg(answer); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, &grpcError{err, of.opened.Trailer()}
	}
	return answer, nil
}
